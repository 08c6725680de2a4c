/** What a term looks at: a column that every row has, or an attribute by its flattened name. */
export type Field = { system: SystemField } | { attribute: string }

export type SystemField = 'message' | 'source' | 'severity' | TimeField

/** Columns that hold a point in time. */
export type TimeField = 'timestamp' | 'created' | 'updated'

/** Piece of a wildcard pattern: literal text, any run of characters, or any one character. */
export type GlobPart = { literal: string } | '*' | '?'

export interface Bound<T> {
  value: T
  inclusive: boolean
}

/** A point in time: milliseconds since 1970 and nanoseconds within the millisecond. */
export interface Instant {
  ms: number
  ns: number
}

/** A condition on one field; `field: null` looks at message, source, severity name and every attribute. */
export type Leaf =
  | { kind: 'phrase'; field: Field | null; text: string }
  | { kind: 'prefix'; field: Field | null; text: string }
  | { kind: 'glob'; field: Field | null; parts: readonly GlobPart[] }
  | { kind: 'regex'; field: Field; pattern: string }
  | { kind: 'compare'; field: Field; min?: Bound<number | bigint | string> | undefined; max?: Bound<number | bigint | string> | undefined }
  | { kind: 'exact'; field: Field; text: string }
  | { kind: 'in'; field: Field; texts: readonly string[] }
  | { kind: 'exists'; field: Field }
  /** Bit i of `mask` stands for severity i. */
  | { kind: 'severity'; mask: number }
  | { kind: 'time'; column: TimeField; min?: Bound<Instant> | undefined; max?: Bound<Instant> | undefined }

/** The meaning of a query. `all` matches every row; `and` and `or` have two or more parts. */
export type Filter =
  | { kind: 'all' }
  | { kind: 'and'; filters: readonly Filter[] }
  | { kind: 'or'; filters: readonly Filter[] }
  | { kind: 'not'; filter: Filter }
  | Leaf
