import type { BlockMeta } from '../../engine/block/types.ts'
import type { TimeRange } from '../../engine/query/types.ts'

export type BlockIndex = ReturnType<typeof createBlockIndex>

/** Metas of all blocks in seq order. Seqs are gap-free: a block starts where the one before it ends, the first at 1. */
export function createBlockIndex(loaded: readonly BlockMeta[]) {
  const metas: BlockMeta[] = []
  let lastSeq = 0

  function push(meta: BlockMeta): void {
    if (meta.firstSeq !== lastSeq + 1) throw new Error(`block ${meta.firstSeq} does not follow row ${lastSeq}`)
    metas.push(meta)
    lastSeq += meta.rows
  }
  for (const meta of loaded) push(meta)

  /** Index of the block that holds `seq`, or of the one after it. */
  function indexOf(seq: number): number {
    let low = 0
    let high = metas.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const meta = metas[middle]
      if (meta !== undefined && meta.firstSeq + meta.rows <= seq) low = middle + 1
      else high = middle
    }
    return low
  }

  return {
    push,
    lastSeq: () => lastSeq,

    find(seq: number): BlockMeta | undefined {
      return seq < 1 || seq > lastSeq ? undefined : metas[indexOf(seq)]
    },

    /** Blocks that may hold rows of the range with seq <= maxSeq. */
    inRange(range: TimeRange, maxSeq: number): BlockMeta[] {
      return metas.filter((meta) => meta.maxMs >= range.fromMs && meta.minMs < range.toMs && meta.firstSeq <= maxSeq)
    },

    /** Blocks that hold rows with seq > afterSeq: the first of them, and more while they fit `bytesMax`. */
    after(afterSeq: number, bytesMax: number): BlockMeta[] {
      const found: BlockMeta[] = []
      let bytes = 0
      for (let i = indexOf(afterSeq + 1); i < metas.length; i++) {
        const meta = metas[i]
        if (meta === undefined) break
        bytes += meta.bytes
        if (found.length > 0 && bytes > bytesMax) break
        found.push(meta)
      }
      return found
    },

    all: (): readonly BlockMeta[] => metas,
  }
}
