import type { BlockBuffer } from '../block/block_buffer.ts'
import { releaseBuffer } from '../block/block_buffer.ts'
import { encodeBuffer } from '../block/buffer_encoder.ts'
import type { ColumnBuffer } from '../block/column_buffer.ts'
import { writeHead } from '../block/head.ts'
import { segmentFilter } from '../encode/bloom.ts'
import { extentOf } from '../encode/extent.ts'
import type { SegmentBlock } from './types.ts'

/**
 * Encodes the rows of a buffer, each with its sequence number, as one block of a segment, and frees the buffer. Throws RangeError
 * when a row has no sequence number or the rows take more raw bytes than a block may have.
 */
export function encodeSegmentBlock(buffer: BlockBuffer): SegmentBlock {
  const { rows, system } = buffer
  if (rows === 0 || system.seq.count !== rows) throw new RangeError(`${system.seq.count} sequence numbers for ${rows} rows`)
  const { directory, body, filters, meta, rawBytes } = encodeBuffer(buffer, { filterOf: segmentFilter, ofIntegers: true })
  const head = writeHead(meta, body.length, directory)
  const [minCreatedMs = 0, maxCreatedMs = 0] = extentOf(numbersOf(system.created))
  const [, lastSeq = 0] = extentOf(numbersOf(system.seq))
  releaseBuffer(buffer)
  return { head, body, filters, meta: { ...meta, bytes: head.length + body.length }, lastSeq, minCreatedMs, maxCreatedMs, rawBytes }
}

/** The numbers of a system column. */
function numbersOf({ numbers, count }: ColumnBuffer): Float64Array {
  return numbers!.subarray(0, count)
}
