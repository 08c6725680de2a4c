import { patchGroupBytesMax, patchGroupRowsMax, seqMax } from '../../core/limits.ts'
import { lowerBound } from '../../engine/lower_bound.ts'
import type { BlockSource } from '../../engine/query/types.ts'

/** Patched rows from `fromSeq` to the next group; `sources` is undefined until a query follows a change. */
interface Group {
  fromSeq: number
  rows: { seq: number; size: number }[]
  sources: readonly BlockSource[] | undefined
}

/**
 * The present content of patched rows as blocks, kept in groups of neighbours: an edit costs encoding its own group, not
 * all that was ever edited. A group that grows too large is halved. `encode` makes the blocks of fromSeq <= seq < toSeq.
 */
export function createOverlay(encode: (fromSeq: number, toSeq: number) => BlockSource[]) {
  const groups: Group[] = [{ fromSeq: 0, rows: [], sources: undefined }]

  return {
    /** A row got new content, of about `size` bytes; 0 when it was deleted. */
    changed(seq: number, size: number): void {
      const at = lowerBound(groups, seq + 1, ({ fromSeq }) => fromSeq) - 1
      const group = groups[at]!
      const place = lowerBound(group.rows, seq, (row) => row.seq)
      group.rows.splice(place, group.rows[place]?.seq === seq ? 1 : 0, { seq, size })
      group.sources = undefined
      if (!isTooLarge(group)) return
      const rows = group.rows.splice(group.rows.length >>> 1)
      groups.splice(at + 1, 0, { fromSeq: rows[0]!.seq, rows, sources: undefined })
    },

    /** A row is in no overlay any more. */
    removed(seq: number): void {
      const at = lowerBound(groups, seq + 1, ({ fromSeq }) => fromSeq) - 1
      const group = groups[at]!
      const place = lowerBound(group.rows, seq, (row) => row.seq)
      if (group.rows[place]?.seq !== seq) return
      group.rows.splice(place, 1)
      group.sources = undefined
      if (group.rows.length === 0 && at > 0) groups.splice(at, 1)
    },

    sources: (): BlockSource[] =>
      groups.flatMap((group, i) => (group.sources ??= encode(group.fromSeq, groups[i + 1]?.fromSeq ?? seqMax + 1))),
  }
}

function isTooLarge({ rows }: Group): boolean {
  if (rows.length > patchGroupRowsMax) return true
  return rows.length > 1 && rows.reduce((sum, { size }) => sum + size, 0) > patchGroupBytesMax
}
