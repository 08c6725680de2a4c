import { asc, getTableColumns, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import type { SQLiteColumn, SQLiteTable } from 'drizzle-orm/sqlite-core'
import type { UserCtx } from '../../db/context.ts'
import { memberships } from '../../db/schema.ts'

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

interface RowsOf<T extends SQLiteTable> {
  where: Conditions
  orderBy: SQLiteColumn
  columns: readonly (keyof T['_']['columns'] & string)[]
  /** What belongs to the organization by now, and is null for a person who has left it. */
  ofMembers?: { person: SQLiteColumn; organization: SQLiteColumn; columns: readonly (keyof T['_']['columns'] & string)[] }
}

/** Rows of one table with the named columns only: what is added to a table later does not leave by itself. */
export function rowsOf<T extends SQLiteTable>(name: string, table: T, { where, orderBy, columns, ofMembers }: RowsOf<T>): ExportSection {
  const picked = { ...pick(table, columns), ...(ofMembers && shownToMembers(table, ofMembers)) }
  return {
    name,
    page: ({ db, user }, { limit, offset }) =>
      db.select(picked).from(table).where(where(user)).orderBy(asc(orderBy)).limit(limit).offset(offset),
  }
}

function shownToMembers<T extends SQLiteTable>(table: T, { person, organization, columns }: NonNullable<RowsOf<T>['ofMembers']>) {
  const isMember = sql`exists (select 1 from ${memberships}
    where ${memberships.userId} = ${person} and ${memberships.organizationId} = ${organization})`
  return Object.fromEntries(
    Object.entries(pick(table, columns)).map(([name, column]) => [
      name,
      sql`case when ${isMember} then ${column} end`.mapWith(column).as(name),
    ]),
  )
}

export function pick(table: SQLiteTable, names: readonly string[]): Record<string, SQLiteColumn> {
  const columns = getTableColumns(table)
  return Object.fromEntries(names.flatMap((name) => (columns[name] === undefined ? [] : [[name, columns[name]]])))
}
