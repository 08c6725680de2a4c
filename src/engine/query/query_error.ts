/** A condition that takes too much time on the text it met. `message` is a sentence for the person who asked. */
export class QueryTooSlowError extends Error {
  constructor() {
    super('The regular expression takes too much time on these logs: make it simpler, or narrow the query by time or source.')
    this.name = 'QueryTooSlowError'
  }
}

/** A query takes too much time on some block; a sentence for the person who asked. Plain data. */
export interface TooSlow {
  tooSlow: string
}

/** The answer for a `QueryTooSlowError`; throws any other error again. */
export function tooSlowOf(error: unknown): TooSlow {
  if (error instanceof QueryTooSlowError) return { tooSlow: error.message }
  throw error
}

/** A query that cannot be understood. `message` is a sentence for the person who typed it. */
export class QueryError extends Error {
  /** Index of the first character (UTF-16) that is wrong; the length of the query when it ends too early. */
  readonly position: number
  /** What could stand there instead. */
  readonly expected: string

  constructor(position: number, expected: string, found: string) {
    super(`At character ${position + 1}: expected ${expected}, found ${found}.`)
    this.name = 'QueryError'
    this.position = position
    this.expected = expected
  }
}
