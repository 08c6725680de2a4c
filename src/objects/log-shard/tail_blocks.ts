import { tailResumeSealedBytesMax, tailResumeSealedRowsMax, tailSealedRowsMax } from '../../core/limits.ts'
import { bitmapHas } from '../../engine/bitmap.ts'
import { BlockError } from '../../engine/block/block_error.ts'
import { noReadCost } from '../../engine/block/read_cost.ts'
import type { Block, BlockMeta } from '../../engine/block/types.ts'
import { createBlockBuilder } from '../../engine/block/writer.ts'
import { everything, visibleRows } from '../../engine/query/visible_rows.ts'
import type { StoredRow } from '../../engine/row.ts'
import type { JobContext } from './upkeep/job.ts'
import { encodable } from './patches.ts'
import type { TailBlock } from './protocol.ts'
import { patchedRow } from './rows.ts'
import { createSealedRows } from './sealed_rows.ts'
import type { ShardState } from './state.ts'

/** What LiveTail gets of the shard's rows. */
export function createTailBlocks(context: JobContext) {
  const { state } = context
  const sealed = createSealedRows(context)

  return {
    /** The last sealed row, where those after `afterSeq` are more than a tail that resumes gets; undefined where it gets them. */
    skipFrom(afterSeq: number): number | undefined {
      const { sealedSeq } = state.manifest.record()
      return isFarBehind(state, afterSeq, sealedSeq) ? sealedSeq : undefined
    },

    /**
     * Blocks with rows after `afterSeq`, ascending, without a gap: about `bytesMax` of them, none when there are no such rows.
     * A block with patched, erased or expired rows (received before `keepFromMs`, or the time that the shard itself was told) is
     * encoded anew with their present content, so that neither a deleted row nor text that was edited away reaches a tail that
     * resumes. Hot rows come at once; sealed ones are read back from their segments.
     */
    blocksAfter(afterSeq: number, bytesMax: number, keepFromMs: number): TailBlock[] | Promise<TailBlock[]> {
      const record = state.manifest.record()
      const { sealedSeq } = record
      // The shard may have been told of a shorter term since the caller was.
      const cutMs = Math.max(keepFromMs, record.keepFromMs)
      const fromSeq = afterSeq + 1
      if (fromSeq > sealedSeq || state.index.find(fromSeq) !== undefined) return storedBlocks(state, afterSeq, bytesMax, cutMs)
      const nextStored = state.index.after(afterSeq, 0)[0]?.firstSeq ?? Infinity
      const toSeq = Math.min(sealedSeq, nextStored - 1, fromSeq + rowsPerRead(state, fromSeq, bytesMax) - 1)
      return sealed.read({ fromSeq, toSeq, keepFromMs: cutMs }).then((rows) => encodeTail(rows, fromSeq, toSeq))
    },
  }
}

/** Would reading the sealed rows after `afterSeq` back pass a limit, judged by what rows of their segments take on average? */
function isFarBehind({ manifest }: ShardState, afterSeq: number, sealedSeq: number): boolean {
  const behind = sealedSeq - afterSeq
  if (behind > tailResumeSealedRowsMax) return true
  if (behind <= 0) return false
  let bytes = 0
  let count = 0
  for (const { rawBytes, rows } of manifest.holding(afterSeq + 1, sealedSeq)) {
    bytes += rawBytes
    count += rows
  }
  return count > 0 && (bytes / count) * behind > tailResumeSealedBytesMax
}

/** Rows of one read of segments that take about `bytesMax`, judged by the segment with the longest ones. */
function rowsPerRead({ manifest }: ShardState, fromSeq: number, bytesMax: number): number {
  let rowBytes = 1
  for (const { rawBytes, rows } of manifest.holding(fromSeq, fromSeq + tailSealedRowsMax)) rowBytes = Math.max(rowBytes, rawBytes / rows)
  return Math.max(1, Math.min(tailSealedRowsMax, Math.floor(bytesMax / rowBytes)))
}

function storedBlocks(state: ShardState, afterSeq: number, bytesMax: number, cutMs: number): TailBlock[] {
  const metas = state.index.after(afterSeq, bytesMax)
  const gap = metas.findIndex((meta, i) => i > 0 && meta.firstSeq !== metas[i - 1]!.firstSeq + metas[i - 1]!.rows)
  return metas.slice(0, gap < 0 ? metas.length : gap).flatMap((meta) => storedBlock(state, meta, cutMs))
}

function storedBlock(state: ShardState, meta: BlockMeta, cutMs: number): TailBlock[] {
  const asStored: TailBlock = { meta, ...state.bytesOf(meta) }
  const patched = state.patches.hiddenIn(meta)
  const isChanged = patched !== undefined || state.erasures.filters().length > 0
  if (!isChanged && cutMs === 0) return [asStored]
  let mayHide = state.erasures.filters().length > 0
  try {
    const block = state.open(meta, noReadCost())
    const hasExpired = (block.system('created').range?.min ?? 0) < cutMs
    mayHide ||= hasExpired
    if (isChanged || hasExpired) return presentBlocks(state, block, cutMs)
    block.release()
    return [asStored]
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    // LiveTail meets the damage itself and goes on behind it; nothing that may be hidden shows where it can still be read.
    return [{ ...asStored, hidden: mayHide ? seqsOf(meta) : patched }]
  }
}

function seqsOf({ firstSeq, rows }: BlockMeta): number[] {
  return Array.from({ length: rows }, (_, row) => firstSeq + row)
}

/** The same rows under the same sequence numbers: edited ones as they are now, deleted, erased and expired ones blank. */
function presentBlocks(state: ShardState, block: Block, keepFromMs: number): TailBlock[] {
  const { firstSeq, rows } = block.meta
  const visible = visibleRows(block, { ...everything, erasures: state.erasures.filters() }, undefined)
  const present = new Map<number, StoredRow>()
  for (const [i, row] of block.materialise(seqsOf(block.meta).map((_, i) => i)).entries()) {
    const patch = patchedRow(state, row.seq)
    const content = patch === undefined ? (bitmapHas(visible, i) ? row : null) : patch
    if (content !== null && content.createdMs >= keepFromMs) present.set(row.seq, content)
  }
  block.release()
  return encodeTail(present, firstSeq, firstSeq + rows - 1)
}

/** Rows fromSeq to toSeq, both included, as blocks; those that are missing are blank and hidden. */
function encodeTail(rows: ReadonlyMap<number, StoredRow>, fromSeq: number, toSeq: number): TailBlock[] {
  const builder = createBlockBuilder(0)
  const missing: number[] = []
  let last = blankRow
  for (let seq = fromSeq; seq <= toSeq; seq++) {
    const row = rows.get(seq)
    if (row === undefined) missing.push(seq)
    last = row ?? { ...last, source: '', message: '', attributes: {} }
    builder.add(encodable(last), { seq, createdMs: last.createdMs, updatedMs: last.updatedMs })
  }
  return builder.finish().map((encoded) => {
    const { firstSeq, rows: count } = encoded.meta
    const hidden = missing.filter((seq) => seq >= firstSeq && seq < firstSeq + count)
    return hidden.length > 0 ? { ...encoded, hidden } : encoded
  })
}

const blankRow: Omit<StoredRow, 'seq'> = {
  timestampMs: 0,
  timestampNs: 0,
  severity: 0,
  source: '',
  message: '',
  attributes: {},
  createdMs: 0,
  updatedMs: 0,
}
