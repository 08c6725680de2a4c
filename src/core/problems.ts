/** Every problem the API can answer: stable code, HTTP status, title. Add yours here, sorted by status and code. */
export const problems = {
  invalid_cursor: { status: 400, title: 'The cursor is not valid' },
  invalid_query: { status: 400, title: 'The query cannot be parsed' },
  malformed_encoding: { status: 400, title: 'The body cannot be decompressed' },
  invalid_one_time_token: { status: 400, title: 'The single-use token is not valid' },
  malformed_json: { status: 400, title: 'The body is not valid JSON' },
  validation_failed: { status: 400, title: 'The request is not valid' },
  invalid_api_key: { status: 401, title: 'The API key is not valid' },
  invalid_credentials: { status: 401, title: 'E-mail or password is wrong' },
  invalid_refresh_token: { status: 401, title: 'The refresh token is not valid' },
  invalid_token: { status: 401, title: 'The access token is not valid' },
  second_factor_needed: { status: 401, title: 'A code of the second factor is required' },
  token_expired: { status: 401, title: 'The access token has expired' },
  unauthenticated: { status: 401, title: 'Credentials are required' },
  cross_site: { status: 403, title: 'Cross-site request refused' },
  forbidden: { status: 403, title: 'Not allowed' },
  reauthentication_required: { status: 403, title: 'The password is required again' },
  second_factor_required: { status: 403, title: 'A second factor is required' },
  not_found: { status: 404, title: 'Not found' },
  method_not_allowed: { status: 405, title: 'Method not allowed' },
  conflict: { status: 409, title: 'Conflict' },
  last_owner: { status: 409, title: 'There must be an owner' },
  too_many_patches: { status: 409, title: 'Too many edited logs' },
  precondition_failed: { status: 412, title: 'It was changed meanwhile' },
  payload_too_large: { status: 413, title: 'The body is too large' },
  uri_too_long: { status: 414, title: 'The address is too long' },
  unsupported_encoding: { status: 415, title: 'Content encoding not supported' },
  unsupported_media_type: { status: 415, title: 'Media type not supported' },
  range_not_satisfiable: { status: 416, title: 'The range is not in the file' },
  idempotency_key_reused: { status: 422, title: 'The Idempotency-Key was used for another body' },
  unprocessable: { status: 422, title: 'The request cannot be carried out' },
  upgrade_required: { status: 426, title: 'A WebSocket upgrade is required' },
  quota_exceeded: { status: 429, title: 'The quota of the organization is used up' },
  rate_limited: { status: 429, title: 'Too many requests' },
  internal_error: { status: 500, title: 'Internal error' },
  damaged_block: { status: 503, title: 'A stored block is damaged' },
  shard_full: { status: 503, title: 'The log store is full' },
  unavailable: { status: 503, title: 'Temporarily unavailable' },
} as const satisfies Record<string, { status: number; title: string }>

export type ProblemCode = keyof typeof problems

export interface ProblemOptions {
  /** Field path to its messages; the key '' stands for the whole body. */
  details?: Record<string, string[]> | undefined
  headers?: Record<string, string> | undefined
  cause?: unknown
}

/** Thrown anywhere below a route; rendered once, by src/http/problem.ts. */
export class ProblemError extends Error {
  readonly code: ProblemCode
  readonly detail: string
  readonly details: Record<string, string[]> | undefined
  readonly headers: Record<string, string> | undefined

  constructor(code: ProblemCode, detail: string, options: ProblemOptions = {}) {
    super(`${code}: ${detail}`, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'ProblemError'
    this.code = code
    this.detail = detail
    this.details = options.details
    this.headers = options.headers
  }
}

/** `throw problem('not_found', 'No such API key.')`. `detail` is a sentence shown to the caller. */
export function problem(code: ProblemCode, detail: string, options: ProblemOptions = {}): ProblemError {
  return new ProblemError(code, detail, options)
}

/** What a field of the request is refused for, where only a verb can tell: by the clock, or by what is stored. */
export function invalidField(field: string, message: string): ProblemError {
  return problem('validation_failed', `The request is not valid. ${field}: ${message}`, { details: { [field]: [message] } })
}
