import { processFieldsMax, processWordCharsMax, processWordsMax } from '../core/limits.ts'
import type { ProcessInput, ProcessRecord } from '../search/tasks/process_input.ts'

/** A word is a run of letters and digits of any script, with the signs that stand inside words. */
const wordPattern = /[\p{L}\p{M}\p{N}]+(?:['\u2019_-][\p{L}\p{M}\p{N}]+)*/gu

/** Statistics of a text, or of records: their numbers, their texts, and for objects each field by itself. */
export function statisticsOf(input: ProcessInput): Record<string, unknown> {
  return 'text' in input ? { text: textStatistics([input.text]) } : { records: input.records.length, ...recordStatistics(input.records) }
}

interface Frequency {
  word: string
  count: number
}

/**
 * Lines are ended by LF, CR LF or CR, and what stands behind the last end is one too; characters are code points, bytes those of
 * UTF-8. Words count without regard to case.
 */
export function textStatistics(texts: readonly string[]) {
  const counts = new Map<string, number>()
  let [lines, words, characters, bytes] = [0, 0, 0, 0]
  const encoder = new TextEncoder()
  for (const text of texts) {
    lines += lineCount(text)
    bytes += encoder.encode(text).length
    for (const _ of text) characters++
    for (const [found] of text.matchAll(wordPattern)) {
      words++
      const word = found.toLowerCase()
      counts.set(word, (counts.get(word) ?? 0) + 1)
    }
  }
  return { lines, words, distinct_words: counts.size, characters, bytes, most_frequent: mostFrequent(counts) }
}

/** Spread and middle of numbers; quantiles lie between neighbours in proportion (the method of most spreadsheets). */
export function numberStatistics(numbers: readonly number[]) {
  const sorted = Float64Array.from(numbers).sort()
  const count = sorted.length
  // Scaled first: the sum of large numbers would be infinite, where their mean is not.
  const mean = sorted.reduce((sum, value) => sum + value / count, 0)
  const deviations = sorted.map((value) => (value - mean) ** 2 / count)
  const sum = sorted.reduce((total, value) => total + value, 0)
  const at = (share: number) => {
    const place = share * (count - 1)
    const [low, high] = [sorted[Math.floor(place)] ?? 0, sorted[Math.ceil(place)] ?? 0]
    return low + (high - low) * (place - Math.floor(place))
  }
  return {
    count,
    min: finite(sorted[0]),
    max: finite(sorted[count - 1]),
    sum: finite(sum),
    mean: finite(mean),
    median: finite(at(0.5)),
    p95: finite(at(0.95)),
    standard_deviation: finite(Math.sqrt(deviations.reduce((total, value) => total + value, 0))),
  }
}

function recordStatistics(records: readonly ProcessRecord[]): Record<string, unknown> {
  const fields = new Map<string, unknown[]>()
  let fieldsLeftOut = false
  for (const record of records) {
    if (typeof record !== 'object') continue
    for (const [name, value] of Object.entries(record)) {
      const values = fields.get(name)
      if (values !== undefined) values.push(value)
      else if (fields.size < processFieldsMax) fields.set(name, [value])
      else fieldsLeftOut = true
    }
  }
  return {
    ...valueStatistics(records.filter((record) => typeof record !== 'object')),
    ...(fields.size > 0 && {
      fields: Object.fromEntries(
        [...fields].map(([name, values]) => [short(name), { present: values.length, ...valueStatistics(values) }]),
      ),
    }),
    ...(fieldsLeftOut && { fields_left_out: true }),
  }
}

/** Of values of any kind: the numbers among them, the texts among them. */
function valueStatistics(values: readonly unknown[]) {
  const numbers = values.filter((value) => typeof value === 'number')
  const texts = values.filter((value) => typeof value === 'string')
  return { ...(numbers.length > 0 && { numbers: numberStatistics(numbers) }), ...(texts.length > 0 && { text: textStatistics(texts) }) }
}

/** The most frequent first; those that are as frequent in the order of the alphabet. */
function mostFrequent(counts: ReadonlyMap<string, number>): Frequency[] {
  return [...counts]
    .toSorted(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    .slice(0, processWordsMax)
    .map(([word, count]) => ({ word: short(word), count }))
}

function lineCount(text: string): number {
  const ends = text.match(/\r\n|\n|\r/g)?.length ?? 0
  return ends + (text === '' || /[\r\n]$/.test(text) ? 0 : 1)
}

/** A result is one value in D1, however long the words are that somebody posts. */
function short(text: string): string {
  return text.length > processWordCharsMax ? `${text.slice(0, processWordCharsMax).toWellFormed()}...` : text
}

/** JSON has no infinity. */
function finite(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null
}
