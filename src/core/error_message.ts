/**
 * What an error says without the values that were bound to a statement, which are somebody's data. drizzle's
 * DrizzleQueryError has them in its message, beside `query` (the text with placeholders) and `cause`.
 */
export function messageOf(error: Error): string {
  return 'params' in error && 'query' in error ? `Failed query: ${String(error.query)}` : error.message
}
