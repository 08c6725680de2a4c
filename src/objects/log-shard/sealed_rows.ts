import { releaseBytes } from '../../core/buffers.ts'
import { sealedReadTriesMax } from '../../core/limits.ts'
import { bitmapHas } from '../../engine/bitmap.ts'
import { BlockError } from '../../engine/block/block_error.ts'
import { noReadCost } from '../../engine/block/read_cost.ts'
import type { Block } from '../../engine/block/types.ts'
import { visibleRows } from '../../engine/query/visible_rows.ts'
import type { StoredRow } from '../../engine/row.ts'
import { wholeBody } from '../../engine/block/page_reader.ts'
import { openSegmentIndex } from '../../engine/segment/index_reader.ts'
import { SegmentError } from '../../engine/segment/segment_error.ts'
import type { SegmentBlockEntry, SegmentMeta } from '../../engine/segment/types.ts'
import { patchedRow } from './rows.ts'
import type { JobContext } from './upkeep/job.ts'

/** Sealed rows of fromSeq <= seq <= toSeq as they are now, by sequence number; deleted, erased and damaged ones are missing. */
export async function readSealedRows(context: JobContext, fromSeq: number, toSeq: number): Promise<Map<number, StoredRow>> {
  const { manifest, patches } = context.state
  for (let tries = 0; tries < sealedReadTriesMax; tries++) {
    const segments = manifest.holding(fromSeq, toSeq)
    const rows = new Map<number, StoredRow>()
    for (const segment of segments) await readRows(context, segment, fromSeq, toSeq, rows)
    // A rewrite in the meantime may have folded in edits that were not in what was read.
    if (segments.some(({ key }) => manifest.get(key) === undefined)) continue
    for (const seq of patches.within(fromSeq, toSeq)) {
      const present = patchedRow(context.state, seq)
      if (present) rows.set(seq, present)
      else rows.delete(seq)
    }
    return rows
  }
  throw new Error('the segments were rewritten again and again while they were read')
}

async function readRows(
  context: JobContext,
  meta: SegmentMeta,
  fromSeq: number,
  toSeq: number,
  rows: Map<number, StoredRow>,
): Promise<void> {
  const { state, objects, log, identity } = context
  const read = async (start: number, end: number) => {
    const bytes = await objects.read(meta.key, start, end)
    if (bytes?.length !== end - start) throw new SegmentError(bytes === undefined ? 'it is missing' : 'it is too short')
    return bytes
  }
  try {
    const bytes = await read(meta.bytes - meta.indexBytes, meta.bytes)
    const index = openSegmentIndex(meta, bytes)
    releaseBytes(bytes)
    for (const [n, entry] of index.blocks.entries()) {
      if (entry.meta.firstSeq > toSeq || entry.lastSeq < fromSeq) continue
      const body = await bodyOf(read, entry)
      const block = index.open(
        n,
        new Map(),
        wholeBody(entry.bodyBytes, () => body, true),
        noReadCost(),
      )
      for (const row of visibleIn(context, block, fromSeq, toSeq)) rows.set(row.seq, row)
      block.release()
    }
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    // It was replaced while it was read, and is gone: the caller reads what took its place.
    if (state.manifest.get(meta.key) === undefined) return
    log('error', 'damaged segment', { ...identity(), operation: 'tail', segment: meta.key, damaged: error.message })
  }
}

async function bodyOf(
  read: (start: number, end: number) => Promise<Uint8Array>,
  { bodyStart, bodyBytes }: SegmentBlockEntry,
): Promise<Uint8Array> {
  return bodyBytes === 0 ? new Uint8Array(0) : read(bodyStart, bodyStart + bodyBytes)
}

/** The rows of a block in the range of sequence numbers that no retention and no erasure takes away. */
function visibleIn({ state }: JobContext, block: Block, fromSeq: number, toSeq: number): StoredRow[] {
  const { keepFromMs } = state.manifest.record()
  const view = { range: { fromMs: 0, toMs: Infinity }, maxSeq: toSeq, keepFromMs, erasures: state.erasures.filters() }
  const visible = visibleRows(block, view, undefined)
  const found: number[] = []
  for (let row = 0; row < block.meta.rows; row++) if (block.seq(row) >= fromSeq && bitmapHas(visible, row)) found.push(row)
  return block.materialise(found)
}
