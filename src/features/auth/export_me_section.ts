import { asc, getTableColumns } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import type { SQLiteColumn, SQLiteTable } from 'drizzle-orm/sqlite-core'
import type { UserCtx } from '../../db/context.ts'

export type ExportRow = Record<string, unknown>

/** Where a page begins: how many rows were before it, and the last of them. */
export interface PageStart {
  readonly offset: number
  readonly limit: number
  readonly last: ExportRow | undefined
}

/** One kind of what is known of a person: what it is called in the file, and its rows, page by page in an order that stays. */
export interface ExportSection {
  readonly name: string
  page(ctx: UserCtx, start: PageStart): PromiseLike<ExportRow[]>
}

export type Conditions = (person: { id: string; email: string }) => SQL | undefined

/** Rows of one table with the named columns only: what is added to a table later does not leave by itself. */
export function rowsOf<T extends SQLiteTable>(
  name: string,
  table: T,
  { where, orderBy, columns }: { where: Conditions; orderBy: SQLiteColumn; columns: readonly (keyof T['_']['columns'] & string)[] },
): ExportSection {
  const picked = pick(table, columns)
  return {
    name,
    page: ({ db, user }, { limit, offset }) =>
      db.select(picked).from(table).where(where(user)).orderBy(asc(orderBy)).limit(limit).offset(offset),
  }
}

export function pick(table: SQLiteTable, names: readonly string[]): Record<string, SQLiteColumn> {
  const columns = getTableColumns(table)
  return Object.fromEntries(names.flatMap((name) => (columns[name] === undefined ? [] : [[name, columns[name]]])))
}
