import { ingestRecordsMax, recordBytesMax } from '../core/limits.ts'
import { problem } from '../core/problems.ts'
import type { RejectReason } from '../core/usage.ts'
import type { EncodableRow } from '../engine/row.ts'
import { needsExactParse, nestedTooDeep, parseExact } from './exact_json.ts'
import { createNormaliser, normaliseObject, normaliseText } from './normalise.ts'
import type { RowFault } from './row_fault.ts'

export interface RecordSink {
  /** A row to keep, and the bytes of its text as it came; the object is used again for the next one. */
  row(row: EncodableRow, bytes: number): void
  /** A record that cannot be kept. `index` counts the records of the request from 0, blank lines left out. */
  reject(index: number, reason: string, code: RejectReason, bytes: number): void
}

/** Takes the texts of a request's records one by one, with their bytes, parses and normalises them, and hands rows to the sink. */
export interface RecordReader {
  /** A line without its line break; when it is no JSON object, it is kept as a message. */
  line(text: string, bytes: number): void
  /** A JSON text that stands for one record; throws a ProblemError when it is no JSON. */
  element(text: string, bytes: number): void
  /** Counts a record that is longer than `recordBytesMax` without looking into it. */
  tooLong(bytes: number): void
  /** Records so far, kept or not. */
  count(): number
}

const notAnObject: RowFault = { code: 'not_an_object', text: 'is no JSON object' }

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

  function keep(value: unknown, text: string, bytes: number): void {
    const index = next()
    let fault: RowFault | undefined
    if (value === undefined) fault = nestedTooDeep
    else if (typeof value === 'string') normaliseText(normaliser, value.toWellFormed())
    else if (typeof value !== 'object' || value === null || Array.isArray(value)) fault = notAnObject
    else fault = normaliseObject(normaliser, value, text)
    if (fault === undefined) sink.row(normaliser.row, bytes)
    else sink.reject(index, fault.text, fault.code, bytes)
  }

  function keepText(line: string, bytes: number): void {
    next()
    normaliseText(normaliser, line)
    sink.row(normaliser.row, bytes)
  }

  return {
    line(text, bytes) {
      if (text.charCodeAt(0) !== 0x7b) {
        const trimmed = text.trim()
        if (trimmed === '') return
        if (trimmed.charCodeAt(0) !== 0x7b) return keepText(text, bytes)
      }
      let value: unknown
      try {
        value = parse(text)
      } catch {
        return keepText(text, bytes)
      }
      keep(value, text, bytes)
    },
    element(text, bytes) {
      let value: unknown
      try {
        value = parse(text)
      } catch (error) {
        throw problem('malformed_json', `Record ${count} is not valid JSON: ${error instanceof Error ? error.message : 'syntax error'}.`)
      }
      keep(value, text, bytes)
    },
    tooLong(bytes) {
      sink.reject(next(), `has more than ${recordBytesMax} bytes`, 'too_large', bytes)
    },
    count: () => count,
  }
}
