import { isAscii } from 'node:buffer'
import { recordBytesMax } from '../core/limits.ts'
import { problem } from '../core/problems.ts'
import { splitArray } from './json_array.ts'
import { createRecordReader } from './record_reader.ts'
import type { RecordReader, RecordSink } from './record_reader.ts'

/** What a body is: one JSON object, a JSON array, or lines. */
export type BodyShape = 'object' | 'array' | 'lines'

/** Bytes of whole lines that become text in one step: enough that the step's own cost does not count. */
const chunkBytes = recordBytesMax

/**
 * Reads all the records of a decompressed body into `sink`, in order. Throws a ProblemError when the body as a whole
 * cannot be read (empty, not the JSON it claims to be, too many records); what is wrong with one record only rejects that one.
 */
export function decodeRecords(body: Buffer, type: 'json' | 'ndjson', nowMs: number, sink: RecordSink): BodyShape {
  const bytes = body.length >= 3 && body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? body.subarray(3) : body
  const reader = createRecordReader(nowMs, sink)
  const shape = type === 'ndjson' ? decodeLines(bytes, reader) : decodeJson(bytes, reader)
  if (reader.count() === 0) throw problem('malformed_json', 'The body holds no record.')
  return shape
}

function decodeLines(bytes: Buffer, reader: RecordReader): BodyShape {
  for (let start = 0; start < bytes.length;) {
    let end = start + chunkBytes >= bytes.length ? bytes.length : bytes.lastIndexOf(0x0a, start + chunkBytes) + 1
    if (end <= start) {
      // No line ends within the greatest record there may be: this one is longer.
      end = bytes.indexOf(0x0a, start + chunkBytes) + 1 || bytes.length
      reader.tooLong(bytes[end - 1] === 0x0a ? end - 1 - start : end - start)
    } else readLines(bytes.subarray(start, end), reader)
    start = end
  }
  return 'lines'
}

/** Lines are cut from Latin-1 text, where indexes are those of the bytes; only lines that are not ASCII are decoded anew. */
function readLines(bytes: Buffer, reader: RecordReader): void {
  const text = bytes.toString('latin1')
  const ascii = isAscii(bytes)
  for (let start = 0; start < text.length;) {
    const found = text.indexOf('\n', start)
    const next = found === -1 ? text.length : found
    const end = next > start && text.charCodeAt(next - 1) === 0x0d ? next - 1 : next
    const line = text.slice(start, end)
    if (end > start) reader.line(ascii || !nonAscii.test(line) ? line : bytes.toString('utf8', start, end), end - start)
    start = next + 1
  }
}

const nonAscii = /[\x80-\xff]/

function decodeJson(bytes: Buffer, reader: RecordReader): BodyShape {
  let start = 0
  while (start < bytes.length && isSpace(bytes[start]!)) start++
  if (start === bytes.length) throw problem('malformed_json', 'The body is empty; a JSON object or an array of objects was expected.')
  const first = bytes[start]
  if (first === 0x5b) {
    splitArray(bytes, start, (from, to) =>
      to - from > recordBytesMax ? reader.tooLong(to - from) : reader.element(bytes.toString('utf8', from, to), to - from),
    )
    return 'array'
  }
  if (first !== 0x7b) throw problem('malformed_json', 'A JSON object or an array of objects was expected.')
  const length = bytes.length - start
  if (length > recordBytesMax) reader.tooLong(length)
  else reader.element(bytes.toString('utf8', start, bytes.length), length)
  return 'object'
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}
