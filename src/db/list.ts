import { asc, desc, sql } from 'drizzle-orm'
import type { SQL, SQLWrapper } from 'drizzle-orm'

/** One page of a list, and how many there are in all. */
export interface ListPage<T> {
  count: number
  results: T[]
}

/**
 * ORDER BY of a list: `ordering` is a key of `columns`, with a minus for the other direction. `tieBreak` is unique, so that
 * pages do not overlap.
 */
export function orderOf<K extends string>(
  columns: Readonly<Record<K, SQLWrapper>>,
  ordering: NoInfer<K | `-${K}`>,
  tieBreak: SQLWrapper,
): SQL[] {
  const direction = ordering.startsWith('-') ? desc : asc
  return [direction(columns[ordering.replace(/^-/, '') as K]), direction(tieBreak)]
}

/**
 * Whether a column holds the text, whatever the case of ASCII letters; no condition without a text.
 * instr and not LIKE: D1 limits patterns to 50 bytes, and `%` in a name means itself.
 */
export function holds(column: SQLWrapper, text: string | undefined): SQL | undefined {
  return text === undefined ? undefined : sql`instr(lower(${column}), lower(${text})) > 0`
}

/** OFFSET of a page. */
export function offsetOf({ page, page_size }: { page: number; page_size: number }): number {
  return (page - 1) * page_size
}

/** The page that a batch of a count and the rows read. */
export function listPage<T>(totals: readonly { count: number }[], results: T[]): ListPage<T> {
  return { count: totals[0]?.count ?? 0, results }
}
