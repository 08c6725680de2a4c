import { ingestRecordsMax, recordBytesMax } from '../core/limits.ts'
import { problem } from '../core/problems.ts'
import type { EncodableRow } from '../engine/row.ts'
import { needsExactParse, nestedTooDeep, parseExact } from './exact_json.ts'
import { createNormaliser, normaliseObject, normaliseText } from './normalise.ts'

export interface RecordSink {
  /** A row to keep; the object is used again for the next one. */
  row(row: EncodableRow): void
  /** A record that cannot be kept. `index` counts the records of the request from 0, blank lines left out. */
  reject(index: number, reason: string): void
}

/** Takes the texts of a request's records one by one, parses and normalises them, and hands rows to the sink. */
export interface RecordReader {
  /** A line without its line break; when it is no JSON object, it is kept as a message. */
  line(text: string): void
  /** A JSON text that stands for one record; throws a ProblemError when it is no JSON. */
  element(text: string): void
  /** Counts a record that is longer than `recordBytesMax` without looking into it. */
  tooLong(): void
  /** Records so far, kept or not. */
  count(): number
}

export function createRecordReader(nowMs: number, sink: RecordSink): RecordReader {
  const normaliser = createNormaliser(nowMs)
  let count = 0

  function next(): number {
    if (count === ingestRecordsMax) throw problem('payload_too_large', `A request may have at most ${ingestRecordsMax} records.`)
    return count++
  }

  /** Undefined when it is nested too deep. */
  function parse(text: string): unknown {
    return needsExactParse.test(text) ? parseExact(text) : (JSON.parse(text) as unknown)
  }

  function keep(value: unknown, text: string): void {
    const index = next()
    let reason: string | undefined
    if (value === undefined) reason = nestedTooDeep
    else if (typeof value === 'string') normaliseText(normaliser, value.toWellFormed())
    else if (typeof value !== 'object' || value === null || Array.isArray(value)) reason = 'is no JSON object'
    else reason = normaliseObject(normaliser, value, text)
    if (reason === undefined) sink.row(normaliser.row)
    else sink.reject(index, reason)
  }

  function keepText(line: string): void {
    next()
    normaliseText(normaliser, line)
    sink.row(normaliser.row)
  }

  return {
    line(text) {
      if (text.charCodeAt(0) !== 0x7b) {
        const trimmed = text.trim()
        if (trimmed === '') return
        if (trimmed.charCodeAt(0) !== 0x7b) return keepText(text)
      }
      let value: unknown
      try {
        value = parse(text)
      } catch {
        return keepText(text)
      }
      keep(value, text)
    },
    element(text) {
      let value: unknown
      try {
        value = parse(text)
      } catch (error) {
        throw problem('malformed_json', `Record ${count} is not valid JSON: ${error instanceof Error ? error.message : 'syntax error'}.`)
      }
      keep(value, text)
    },
    tooLong() {
      sink.reject(next(), `has more than ${recordBytesMax} bytes`)
    },
    count: () => count,
  }
}
