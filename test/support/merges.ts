import { bitmapHas } from '../../src/engine/bitmap.ts'
import type { Bitmap } from '../../src/engine/bitmap.ts'
import { stampFirstSeq } from '../../src/engine/block/head.ts'
import { noReadCost } from '../../src/engine/block/read_cost.ts'
import { openBlock } from '../../src/engine/block/reader.ts'
import type { Block, EncodedBlock } from '../../src/engine/block/types.ts'
import type { StoredRow } from '../../src/engine/row.ts'
import { mergeBlocks } from '../../src/engine/segment/merge.ts'
import type { MergeInput, MergeOptions, MergeSummary } from '../../src/engine/segment/merge_types.ts'
import { readSegment } from '../../src/engine/segment/reader.ts'
import type { SegmentBlock } from '../../src/engine/segment/types.ts'
import { createSegmentWriter } from '../../src/engine/segment/writer.ts'
import { allRows } from './rows.ts'

/** A block that a shard stored, its rows counted from `firstSeq`. */
export function hotInput({ meta, head, body }: EncodedBlock, firstSeq: number): MergeInput {
  const stamped = { ...meta, firstSeq }
  const stampedHead = stampFirstSeq(head, firstSeq)
  return { meta: stamped, open: (cost) => openBlock(stamped, stampedHead, () => body, cost) }
}

/** A block whose rows carry their numbers. */
export function carriedInput({ meta, head, body }: EncodedBlock, lastSeq: number): MergeInput {
  return { meta, lastSeq, open: (cost) => openBlock(meta, head, () => body, cost) }
}

/** The blocks of a merge as input of another, through a segment's file. */
export function sealedInputs(blocks: readonly SegmentBlock[]): MergeInput[] {
  const writer = createSegmentWriter()
  for (const block of blocks) writer.add(block)
  const file = readSegment(writer.finish().bytes)
  return file.index.blocks.map(({ meta, lastSeq }, n) => ({ meta, lastSeq, open: (cost) => file.open(n, cost) }))
}

export function openSealed(blocks: readonly SegmentBlock[]): Block[] {
  return sealedInputs(blocks).map((input) => input.open(noReadCost()))
}

/** Runs a merge to its end. */
export function merged(
  inputs: readonly MergeInput[],
  options?: MergeOptions,
): { blocks: SegmentBlock[]; summary: MergeSummary; pauses: number } {
  const steps = mergeBlocks(inputs, options)
  const blocks: SegmentBlock[] = []
  for (let pauses = 0; ;) {
    const { value, done } = steps.next()
    if (done === true) return { blocks, summary: value, pauses }
    if (value === undefined) pauses++
    else blocks.push(value)
  }
}

/** What a merge must give: all rows of its inputs but the dropped ones, in order. */
export function sortedRows(inputs: readonly MergeInput[]): StoredRow[] {
  const rows: StoredRow[] = []
  for (const input of inputs) {
    const block = input.open(noReadCost())
    const drop: Bitmap | undefined = input.drop?.(block)
    rows.push(...allRows(block).filter((_, row) => drop === undefined || !bitmapHas(drop, row)))
  }
  return rows.sort((one, other) => one.timestampMs - other.timestampMs || one.timestampNs - other.timestampNs || one.seq - other.seq)
}

export function rowsOf(blocks: readonly SegmentBlock[]): StoredRow[] {
  return blocks.length === 0 ? [] : openSealed(blocks).flatMap((block) => allRows(block))
}
