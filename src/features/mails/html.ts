/** Markup that only the template `escaped` makes, so that whatever comes from outside is escaped in it. */
export interface Html {
  readonly markup: string
}

/** What is said within a line, as text and as markup. */
export interface Words {
  readonly text: string
  readonly html: Html
}

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** Template tag for markup: escapes every value that is not markup already, also for attributes in quotes. */
export function escaped(parts: TemplateStringsArray, ...values: readonly (string | number | Html | readonly Html[])[]): Html {
  return { markup: String.raw({ raw: parts }, ...values.map(markupOf)) }
}

function markupOf(value: string | number | Html | readonly Html[]): string {
  if (typeof value === 'number') return String(value)
  if (typeof value === 'string') return clean(value).replaceAll(/[&<>"']/g, (char) => escapes[char] ?? '')
  return 'markup' in value ? value.markup : value.map(({ markup }) => markup).join('\n')
}

/** Template tag for a line of words; strings among its values are said as they are, names that people chose go through `named`. */
export function words(parts: TemplateStringsArray, ...values: readonly (string | number | Words)[]): Words {
  const all = values.map((value) => (typeof value === 'object' ? value : plain(String(value))))
  return {
    text: String.raw({ raw: parts }, ...all.map(({ text }) => text)),
    html: { markup: String.raw({ raw: parts }, ...all.map(({ html }) => html.markup)) },
  }
}

/** Words of ours, or of which we know what they are made of. */
export function plain(text: string): Words {
  return { text: clean(text), html: escaped`${text}` }
}

export function strong(inner: string | Words): Words {
  const { text, html: markup } = typeof inner === 'string' ? plain(inner) : inner
  return { text, html: escaped`<strong>${markup}</strong>` }
}

/** Words one behind the other, with the same between all. */
export function joined(all: readonly Words[], between: string): Words {
  return {
    text: all.map(({ text }) => text).join(between),
    html: { markup: all.map(({ html }) => html.markup).join(between) },
  }
}

/**
 * A name that somebody chose, so that it is seen to be one and no mail program makes a link of it: in quotes, with brackets
 * around dots inside words (also those that become one in a host name) and around the colon of a scheme.
 */
export function named(name: string): Words {
  return plain(`"${defused(name)}"`)
}

/** The same without quotes, for what stands by itself, such as in a cell of a table. */
export function defused(name: string): string {
  return oneLine(name)
    .replaceAll('"', "'")
    .replaceAll(/(?<=\S)[.\u3002\uff0e\uff61\u2024](?=\S)/gu, '[.]')
    .replaceAll(/(?<=\S):(?=\S)/gu, '[:]')
}

/**
 * Text of logs or queries, which people want to read as it was written. Brackets as of names would spoil it: in markup an
 * invisible character behind what joins a host name or scheme keeps mail programs from making a link, and as text the brackets
 * stand only where one would be made.
 */
export function quoted(text: string): Words {
  const cleaned = clean(text)
  const marked = cleaned.replaceAll(/(?<=\S)[.:@/\u3002\uff0e\uff61\u2024](?=\S)/gu, `$&${nonJoiner}`)
  const asText = cleaned
    .replaceAll(/(?<=\S):(?=\/\/)/g, '[:]')
    .replaceAll(/(?<=mailto|tel|sms|data|javascript):(?=\S)/gi, '[:]')
    .replaceAll(/(?<=[\p{L}\p{N}])[.\u3002\uff0e\uff61\u2024](?=\p{L})/gu, '[.]')
  return { text: asText, html: escaped`${marked}` }
}

/** U+200C, zero width: no word, host name or scheme goes on behind it. */
const nonJoiner = '\u200c'

/** At most so many characters, none of them half. */
export function cut(text: string, charsMax: number): string {
  const chars = Array.from(text.slice(0, charsMax * 2 + 2))
  return chars.length <= charsMax ? text : `${chars.slice(0, charsMax - 1).join('')}…`
}

/** Without line breaks. */
export function oneLine(text: string): string {
  return clean(text).replaceAll(/\s+/gu, ' ').trim()
}

/**
 * Without what no reader sees: control characters but tab and line feed, marks that turn the direction of all that follows, and
 * halves of characters, which no encoding has.
 */
export function clean(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/\r\n?|[\u0085\u2028\u2029]/g, '\n')
    .replaceAll(/[\p{Cc}--[\t\n]]/gv, '\ufffd')
    .replaceAll(/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '')
}
