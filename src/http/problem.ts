import type { Context } from 'hono'
import { uuidv7 } from '../core/ids.ts'
import { retryAfterSeconds } from '../core/limits.ts'
import { problem, ProblemError, problems } from '../core/problems.ts'
import type { ProblemCode } from '../core/problems.ts'
import { isTemporary } from '../core/temporary.ts'
import type { BaseCtx } from '../db/context.ts'
import { createLog } from '../core/log.ts'
import type { AppEnv } from './route.ts'

/** RFC 9457; `error` repeats `detail` for simple clients. */
export interface ProblemDocument {
  type: string
  title: string
  status: number
  detail: string
  error: string
  code: ProblemCode
  details?: Record<string, string[]>
  request_id: string
}

/** Any error as the problem document that the caller sees. What is not expected becomes a 500 and is logged whole. */
export function renderError(error: unknown, c: Context<AppEnv>): Response {
  // Absent only when the configuration itself is unusable.
  const base = c.get('base') as BaseCtx | undefined
  const requestId = base?.requestId ?? uuidv7(Date.now())
  const log = base?.log ?? createLog(requestId)
  const known = toProblem(error)
  if (known) {
    log.add({ problem: known.code })
    if (known.code === 'unavailable') log.error('unavailable', error)
    return renderProblem(known, requestId)
  }
  log.error('unexpected error', error)
  return renderProblem(problem('internal_error', `Something went wrong on our side. Quote ${requestId} to support.`), requestId)
}

function renderProblem(error: ProblemError, requestId: string): Response {
  const { status, title } = problems[error.code]
  const document: ProblemDocument = {
    type: `urn:edgelog:problem:${error.code}`,
    title,
    status,
    detail: error.detail,
    error: error.detail,
    code: error.code,
    ...(error.details && { details: error.details }),
    request_id: requestId,
  }
  const headers = new Headers({
    'Content-Type': 'application/problem+json',
    'Cache-Control': 'no-store',
    'X-Request-Id': requestId,
    ...error.headers,
  })
  if (status === 401 && !headers.has('WWW-Authenticate')) {
    headers.set(
      'WWW-Authenticate',
      error.code === 'unauthenticated' ? 'Bearer realm="edgelog"' : 'Bearer realm="edgelog", error="invalid_token"',
    )
  }
  if ((status === 503 || status === 429) && !headers.has('Retry-After')) headers.set('Retry-After', String(retryAfterSeconds))
  return new Response(JSON.stringify(document), { status, headers })
}

function toProblem(error: unknown): ProblemError | undefined {
  if (error instanceof ProblemError) return error
  if (isTemporary(error))
    return problem('unavailable', 'A storage behind this operation did not answer. Try again shortly.', { cause: error })
  return undefined
}
