import { sealedReadTriesMax, shardIndexCacheBytesMax } from '../../core/limits.ts'
import { bitmapHas } from '../../engine/bitmap.ts'
import { BlockError } from '../../engine/block/block_error.ts'
import { noReadCost } from '../../engine/block/read_cost.ts'
import type { Block } from '../../engine/block/types.ts'
import { everything, visibleRows } from '../../engine/query/visible_rows.ts'
import type { StoredRow } from '../../engine/row.ts'
import { createBodyParts } from '../../engine/segment/body.ts'
import { createByteCache } from '../../engine/segment/scan_cache.ts'
import type { SegmentReader } from '../../engine/segment/scan_reader.ts'
import { createSegmentCaches, createSegmentReader, SegmentMissingError } from '../../engine/segment/scan_reader.ts'
import { SegmentError } from '../../engine/segment/segment_error.ts'
import type { SegmentIndex, SegmentMeta } from '../../engine/segment/types.ts'
import { patchedRow } from './rows.ts'
import type { JobContext } from './upkeep/job.ts'

/** Rows of fromSeq <= seq <= toSeq that were received at keepFromMs or later. */
interface Wanted {
  fromSeq: number
  toSeq: number
  keepFromMs: number
}

/** Reads sealed rows back by their sequence numbers; up to `indexCacheBytes` of the indexes of their segments are remembered. */
export function createSealedRows(context: JobContext, indexCacheBytes = shardIndexCacheBytesMax) {
  const { state, objects } = context
  // Rows are found by their numbers: nothing but indexes is asked for.
  const reader = createSegmentReader(objects, { ...createSegmentCaches(), indexes: createByteCache(indexCacheBytes) })

  return {
    /** The rows as they are now, by sequence number; deleted, erased and damaged ones are missing. */
    async read(wanted: Wanted): Promise<Map<number, StoredRow>> {
      const { manifest, patches } = state
      const { fromSeq, toSeq, keepFromMs } = wanted
      for (let tries = 0; tries < sealedReadTriesMax; tries++) {
        const segments = manifest.holding(fromSeq, toSeq)
        const rows = new Map<number, StoredRow>()
        for (const segment of segments) await readRows(context, reader, segment, wanted, rows)
        // A rewrite in the meantime may have folded in edits that were not in what was read.
        if (segments.some(({ key }) => manifest.get(key) === undefined)) continue
        for (const seq of patches.within(fromSeq, toSeq)) {
          const present = patchedRow(state, seq)
          if (present && present.createdMs >= keepFromMs) rows.set(seq, present)
          else rows.delete(seq)
        }
        return rows
      }
      throw new Error('the segments were rewritten again and again while they were read')
    },
  }
}

async function readRows(
  context: JobContext,
  reader: SegmentReader,
  meta: SegmentMeta,
  wanted: Wanted,
  rows: Map<number, StoredRow>,
): Promise<void> {
  const { state, log, identity } = context
  try {
    const index = await reader.index(meta)
    for (const [n, entry] of index.blocks.entries()) {
      if (entry.meta.firstSeq > wanted.toSeq || entry.lastSeq < wanted.fromSeq || entry.maxCreatedMs < wanted.keepFromMs) continue
      for (const row of await readBlock(context, reader, meta, index, n, wanted)) rows.set(row.seq, row)
    }
  } catch (error) {
    const damaged = damageOf(error)
    if (damaged === undefined) throw error
    // It was replaced while it was read, and is gone: the caller reads what took its place.
    if (state.manifest.get(meta.key) === undefined) return
    log('error', 'damaged segment', { ...identity(), operation: 'tail', segment: meta.key, damaged })
  }
}

/** What an error says is wrong with a segment; undefined when it says nothing of it. */
function damageOf(error: unknown): string | undefined {
  if (error instanceof SegmentMissingError) return new SegmentError('it is missing').message
  return error instanceof BlockError ? error.message : undefined
}

async function readBlock(
  context: JobContext,
  reader: SegmentReader,
  meta: SegmentMeta,
  index: SegmentIndex,
  n: number,
  wanted: Wanted,
): Promise<StoredRow[]> {
  const entry = index.blocks[n]!
  const body = createBodyParts()
  const block = index.open(n, new Map(), body, noReadCost())
  try {
    await reader.body(meta, entry, body, [{ start: 0, end: entry.bodyBytes }])
    return visibleIn(context, block, wanted)
  } finally {
    block.release()
  }
}

/** The rows of a block in the range of sequence numbers that no retention and no erasure takes away. */
function visibleIn({ state }: JobContext, block: Block, { fromSeq, toSeq, keepFromMs }: Wanted): StoredRow[] {
  const view = { ...everything, maxSeq: toSeq, keepFromMs, erasures: state.erasures.filters() }
  const visible = visibleRows(block, view, undefined)
  const found: number[] = []
  for (let row = 0; row < block.meta.rows; row++) if (block.seq(row) >= fromSeq && bitmapHas(visible, row)) found.push(row)
  return block.materialise(found)
}
