import type { BlockBuffer } from '../../src/engine/block/block_buffer.ts'
import { addRow, createBuffer } from '../../src/engine/block/block_buffer.ts'
import { encodeSegmentBlock } from '../../src/engine/segment/block_encoder.ts'
import type { EncodedSegment, SegmentBlock } from '../../src/engine/segment/types.ts'
import { createSegmentWriter } from '../../src/engine/segment/writer.ts'
import type { EncodableRow } from '../../src/engine/row.ts'
import { receivedMs } from './rows.ts'

/** Rows as one block of a segment; row i has sequence number seqs(i), else firstSeq + i. */
export function segmentBlock(rows: readonly EncodableRow[], firstSeq: number, seqs = (index: number) => firstSeq + index): SegmentBlock {
  const buffer: BlockBuffer = createBuffer()
  for (const [i, row] of rows.entries()) addRow(buffer, row, { seq: seqs(i) }, receivedMs)
  return encodeSegmentBlock(buffer)
}

/** Rows as a segment whose blocks have so many rows each; sequence numbers count up from 1. */
export function segmentOf(rows: readonly EncodableRow[], blockRows: number): EncodedSegment {
  const writer = createSegmentWriter()
  for (let first = 0; first < rows.length; first += blockRows) writer.add(segmentBlock(rows.slice(first, first + blockRows), first + 1))
  return writer.finish()
}
