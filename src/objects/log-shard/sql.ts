export type SqlValue = string | number | null | ArrayBuffer | Uint8Array

/** The synchronous SQLite that the core runs on: the Durable Object's in production, node:sqlite in tests. */
export interface Sql {
  /** All the rows of a statement. Blobs come as ArrayBuffer or Uint8Array (see `blob`). */
  all(query: string, ...bindings: SqlValue[]): Record<string, SqlValue>[]
  /** Runs `work` in one transaction; nothing of it stays when it throws. */
  transaction<T>(work: () => T): T
}

/** A blob column as bytes, without a copy. */
export function blob(value: SqlValue | undefined): Uint8Array {
  if (value instanceof Uint8Array) return value
  if (value instanceof ArrayBuffer) return new Uint8Array(value)
  throw new TypeError('the column does not hold a blob')
}

export function integer(value: SqlValue | undefined): number {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value
  throw new TypeError('the column does not hold an integer')
}

export function text(value: SqlValue | undefined): string {
  if (typeof value === 'string') return value
  throw new TypeError('the column does not hold text')
}
