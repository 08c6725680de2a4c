import type { Bitmap } from '../../../engine/bitmap.ts'
import { bitmapAndNot, bitmapCount, bitmapFull } from '../../../engine/bitmap.ts'
import type { Block } from '../../../engine/block/types.ts'
import { QueryTooSlowError } from '../../../engine/query/query_error.ts'
import type { View } from '../../../engine/query/types.ts'
import { everything, visibleRows } from '../../../engine/query/visible_rows.ts'
import type { ShardState } from '../state.ts'

/** An erasure's query takes too much time on some block. */
export class ErasureTooSlowError extends Error {
  readonly id: string

  constructor(id: string, cause: QueryTooSlowError) {
    super(cause.message, { cause })
    this.name = 'ErasureTooSlowError'
    this.id = id
  }
}

export type Cull = ReturnType<typeof createCull>

/**
 * Leaves out of a rewrite what must not be in its output: rows that a patch replaces, rows past their retention, erased
 * ones; and counts the last two. All rewrites leave out all of it, so that an erasure is over sooner. With 0 for `keepFromMs`
 * no row counts as expired.
 */
export function createCull({ manifest, erasures }: ShardState, keepFromMs = manifest.record().keepFromMs) {
  const active = erasures.active()
  const filters = erasures.filters()
  let expired = 0
  const erased = new Map(active.map(({ id }) => [id, 0]))

  return {
    /** Rows of the block to leave out; `patched` are sequence numbers whose rows come from elsewhere. */
    drop(block: Block, patched: readonly number[]): Bitmap | undefined {
      let visible = visibleRows(block, everything, patched)
      let count = bitmapCount(visible)
      const narrow = (view: View): number => {
        visible = visibleRows(block, view, patched)
        const before = count
        count = bitmapCount(visible)
        return before - count
      }
      if (keepFromMs > 0) expired += narrow({ ...everything, keepFromMs })
      for (const [i, { id }] of active.entries()) {
        const view = { ...everything, keepFromMs, erasures: filters.slice(0, i + 1) }
        erased.set(id, erased.get(id)! + inTime(id, () => narrow(view)))
      }
      if (count === block.meta.rows) return undefined
      const dropped = bitmapFull(block.meta.rows)
      bitmapAndNot(dropped, visible)
      return dropped
    },

    expired: () => expired,
    /** Rows that each erasure removed, by its id; one that several match counts for the first of them. */
    erased: (): ReadonlyMap<string, number> => erased,
  }
}

function inTime<T>(id: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof QueryTooSlowError) throw new ErasureTooSlowError(id, error)
    throw error
  }
}
