import { problem } from '../core/problems.ts'
import { parseQuery } from '../engine/query/parser.ts'
import { QueryError } from '../engine/query/query_error.ts'

/** Throws the problem `invalid_query`, which says where the text is wrong and what was expected there. */
export function checkQuery(q: string): void {
  try {
    parseQuery(q)
  } catch (error) {
    if (!(error instanceof QueryError)) throw error
    const details = { q: [error.message], position: [String(error.position)], expected: [error.expected] }
    throw problem('invalid_query', error.message, { details, cause: error })
  }
}

/** The text as a quoted term that means just itself, wildcards and quotes included. */
export function quoted(text: string): string {
  return `"${text.replace(/[\\"*?]/g, '\\$&')}"`
}

/** All of the filters must hold; empty ones are left out. Each must be a whole query by itself (see `checkQuery`). */
export function allOf(filters: readonly string[]): string {
  const given = filters.filter((filter) => filter.trim() !== '')
  return given.length === 1 ? (given[0] ?? '') : given.map((filter) => `(${filter})`).join(' AND ')
}
