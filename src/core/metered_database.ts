import type { CountCost } from './costs.ts'
import { meteredStatementsMax } from './limits.ts'
import { withMethods } from './with_methods.ts'

/** What stands behind a metered statement: `batch` must get the real one. */
const realStatements = new WeakMap<D1PreparedStatement, D1PreparedStatement>()

/**
 * SQL texts whose column names are all different (true) or not. D1 tells the rows that were read and written only with
 * results that are objects, in which columns of the same name are one.
 */
const distinctNames = new Map<string, boolean>()

/** A D1 database whose statements are counted, with the rows that they read and write. */
export function meteredDatabase(database: D1Database, count: CountCost): D1Database {
  return withMethods<D1Database>(database, {
    prepare: (text) => meteredStatement(text, database.prepare(text), count),
    async batch<T>(statements: D1PreparedStatement[]) {
      const results = await database.batch<T>(statements.map((statement) => realStatements.get(statement) ?? statement))
      for (const { meta } of results) countMeta(meta, count)
      return results
    },
  })
}

function meteredStatement(text: string, statement: D1PreparedStatement, count: CountCost): D1PreparedStatement {
  const all = async <T>() => {
    const result = await statement.all<T>()
    countMeta(result.meta, count)
    return result
  }
  const metered = withMethods<D1PreparedStatement>(statement, {
    bind: (...values) => meteredStatement(text, statement.bind(...values), count),
    all,
    async run<T>() {
      const result = await statement.run<T>()
      countMeta(result.meta, count)
      return result
    },
    first: async (column?: string) => {
      if (column === undefined) return (await all()).results[0] ?? null
      count('d1_statements')
      return statement.first(column)
    },
    raw: (async (options?: { columnNames?: boolean }) => {
      if (options?.columnNames !== true && distinctNames.get(text) === true) {
        return (await all<Record<string, unknown>>()).results.map((row) => Object.values(row))
      }
      const [names, ...rows] = await statement.raw({ columnNames: true })
      countRaw(text, rows.length, count)
      remember(text, names)
      return options?.columnNames === true ? [names, ...rows] : rows
    }) as D1PreparedStatement['raw'],
  })
  realStatements.set(metered, statement)
  return metered
}

function countMeta(meta: Partial<D1Meta> | undefined, count: CountCost): void {
  count('d1_statements')
  count('d1_rows_read', meta?.rows_read ?? 0)
  count('d1_rows_written', meta?.rows_written ?? 0)
}

/** The first time that an isolate runs a statement as arrays, all that is known is how many rows it gave: at least so many. */
function countRaw(text: string, rows: number, count: CountCost): void {
  count('d1_statements')
  count(/^\s*(?:select|with)\b/i.test(text) ? 'd1_rows_read' : 'd1_rows_written', rows)
}

/** Names that look like numbers would change places in an object. */
function remember(text: string, names: readonly unknown[] | undefined): void {
  if (names === undefined || distinctNames.size >= meteredStatementsMax) return
  distinctNames.set(text, new Set(names).size === names.length && names.every((name) => !/^\d+$/.test(String(name))))
}
