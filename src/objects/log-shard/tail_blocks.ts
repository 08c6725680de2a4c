import { BlockError } from '../../engine/block/block_error.ts'
import { noReadCost } from '../../engine/block/read_cost.ts'
import type { BlockMeta } from '../../engine/block/types.ts'
import { createBlockBuilder } from '../../engine/block/writer.ts'
import { encodable } from './patches.ts'
import type { TailBlock } from './protocol.ts'
import type { ShardState } from './state.ts'

/**
 * Blocks for LiveTail with rows after `afterSeq`, ascending. A block with patched rows is encoded anew with their
 * present content, so that neither a deleted row nor text that was edited away reaches a tail that resumes.
 */
export function blocksAfter(state: ShardState, afterSeq: number, bytesMax: number): TailBlock[] {
  return state.index.after(afterSeq, bytesMax).flatMap((meta) => {
    const hidden = state.patches.hiddenIn(meta)
    if (hidden === undefined) return [storedBlock(state, meta)]
    try {
      return presentBlocks(state, meta, new Set(hidden))
    } catch (error) {
      if (!(error instanceof BlockError)) throw error
      // LiveTail meets the damage itself and goes on behind it; no patched row may show where it can still be read.
      return [{ ...storedBlock(state, meta), hidden }]
    }
  })
}

function storedBlock(state: ShardState, meta: BlockMeta): TailBlock {
  return { meta, ...state.bytesOf(meta) }
}

/** The same rows under the same sequence numbers: edited ones as they are now, deleted ones blank. */
function presentBlocks(state: ShardState, meta: BlockMeta, patched: ReadonlySet<number>): TailBlock[] {
  const block = state.open(meta, noReadCost())
  const rows = block.materialise(Array.from({ length: meta.rows }, (_, row) => row))
  const builder = createBlockBuilder(rows[0]?.createdMs ?? 0)
  const deleted: number[] = []
  for (const row of rows) {
    const present = patched.has(row.seq) ? state.patches.get(row.seq) : row
    if (present === null) deleted.push(row.seq)
    const content = present ?? { ...row, source: '', message: '', attributes: {} }
    builder.add(encodable(content), { seq: row.seq, createdMs: content.createdMs, updatedMs: content.updatedMs })
  }
  return builder.finish().map((encoded) => {
    const { firstSeq, rows: count } = encoded.meta
    const hidden = deleted.filter((seq) => seq >= firstSeq && seq < firstSeq + count)
    return hidden.length > 0 ? { ...encoded, hidden } : encoded
  })
}
