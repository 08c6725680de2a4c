import { patternCharsMax, patternWordsCachedMax } from '../../core/limits.ts'

/**
 * What of a message is plainly a variable, as placeholders: `user 17 from 10.0.0.1` becomes `user <num> from <ip>`.
 * A pure function of the message, so that counts by its result do not depend on what was met before.
 * <num> numbers and versions, <id> UUIDs, hexadecimal and long mixed ids, <ip>, <email>, <time>, <str> what stands in quotes.
 */
export type Mask = (message: string) => string

/** A mask with a memory of its own, which only makes it quicker. */
export function createMask(): Mask {
  let known = new Map<string, string>()
  const maskCached = (word: string) => {
    if (plainNumber.test(word)) return '<num>'
    if (plainId.test(word)) return '<id>'
    let masked = known.get(word)
    if (masked === undefined) {
      if (known.size >= patternWordsCachedMax) known = new Map()
      known.set(word, (masked = maskWord(word)))
    }
    return masked
  }
  return (message) => {
    const line = firstLine(message)
    const words = (/["']/.test(line) ? line.replace(quotedText, '$1<str>') : line).split(' ')
    for (let i = 0; i < words.length; i++) words[i] = maskCached(words[i]!)
    const masked = words.join(' ')
    const timed = masked.includes('<time>') ? masked.replace(timeParts, '<time>') : masked
    return timed.includes('<zone>') ? timed.replaceAll('<zone>', '<num>') : timed
  }
}

/** A stack trace goes by its first line; an ellipsis stands for what is left out. */
function firstLine(message: string): string {
  const start = message.length - message.trimStart().length
  const end = message.indexOf('\n', start)
  const length = (end < 0 ? message.length : end) - start
  if (length > patternCharsMax) return `${message.slice(start, start + patternCharsMax).replace(openQuote, '$1')}…`
  return end < 0 ? message.slice(start).trimEnd() : `${message.slice(start, end).trimEnd()} …`
}

/** Text in quotes that stand where a word begins and ends; an apostrophe does not. A name before a colon, as in JSON, stays. */
const quotedText = /(^|[\s=:,({[])(["'])(?:\\.|(?!\2).)*\2(?=$|[\s,;.)}\]])/g
/** What begins in quotes and is cut off. */
const openQuote = /(^|[\s=:,({[])(["'])(?:\\.|(?!\2).)*$/
const hex = '[0-9a-fA-F]'
const uuid = `${hex}{8}-${hex}{4}-${hex}{4}-${hex}{4}-${hex}{12}`
const ipv6 = `(?:${hex}{1,4}:){7}${hex}{1,4}|(?=\\S*${hex})(?:${hex}{0,4}:){1,6}:(?:${hex}{1,4}(?::${hex}{1,4}){0,5})?`
const months = 'Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec'
/** A date, a time of day and an offset from UTC, as words of their own. */
const timeParts = new RegExp(
  `(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? )?(?:(?:${months}) +<num> )?<time>(?:,? <time>)*(?: <zone>| (?:UTC|GMT|Z)\\b)?`,
  'g',
)
const clock = '\\d{2}:\\d{2}(?::\\d{2}(?:[.,]\\d+)?)?'
const date = `\\d{4}[-/]\\d{2}[-/]\\d{2}|\\d{1,2}[-/](?:${months})[-/]\\d{4}`

/** What may be a variable within a word, the more special first, by its placeholder; `mixed` is looked at closer. */
const kinds = {
  '<email>': `(?<![\\w.+-])[\\w.+-]+@[\\w-]+(?:\\.[\\w-]+)+`,
  '<id>': `(?<![\\w])(?:${uuid}|0x${hex}+|(?:${hex}{2}:){5}${hex}{2})(?!\\w)`,
  '<time>': `(?<![\\w.:])(?:(?:${date})(?:[T:_]${clock}(?:Z|[+-]\\d{2}:?\\d{2})?)?|${clock})(?![\\w:])`,
  '<ip>': `(?<![\\w.])(?:\\d{1,3}\\.){3}\\d{1,3}(?![\\w.]|-\\d)|(?<![\\w:])(?:${ipv6})(?![\\w:])`,
  mixed: `(?<![A-Za-z0-9])[A-Za-z0-9]{8,}(?![A-Za-z0-9])`,
  '<zone>': `(?<![\\w.+-])[+-](?:0\\d|1[0-4])[0-5]\\d(?![\\w.])`,
  '<num>': `(?<![A-Za-z0-9])[+-]?\\d+(?:[.,:]\\d+)*(?:[-+~][\\w.+~-]*\\d[\\w.+~-]*)?|(?<=[A-Za-z])\\d{3,}`,
}
const placeholders = Object.keys(kinds)
const variables = new RegExp(
  Object.values(kinds)
    .map((source) => `(${source})`)
    .join('|'),
  'g',
)
/** Words that are nothing but one variable: most of those that differ from message to message. */
const plainNumber = /^\d+(?:\.\d+)?$/
const plainId = /^(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{8,}$/

function maskWord(word: string): string {
  // Every variable but an address of letters has a digit.
  if (!/[\d@:]/.test(word)) return word
  return word.replace(variables, (match: string, ...groups: (string | undefined)[]) => {
    const placeholder = placeholders.find((_, i) => groups[i] !== undefined)!
    return placeholder === 'mixed' ? maskMixed(match) : placeholder
  })
}

/** A run of letters and digits: an id when it is hexadecimal or long and has both; a word with a number at its end stays one. */
function maskMixed(run: string): string {
  if (/^\d+$/.test(run)) return '<num>'
  const digits = run.length - run.replace(/\d/g, '').length
  if (digits === 0) return run
  if (/^[0-9a-fA-F]+$/.test(run) || (digits >= 2 && run.length >= 16)) return '<id>'
  return run.replace(/(?<=[A-Za-z])\d{3,}|^\d+/g, '<num>')
}
