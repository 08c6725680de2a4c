import type { MiddlewareHandler } from 'hono'
import { configOf } from '../config.ts'
import type { Env } from '../config.ts'
import { uuidv7 } from '../core/ids.ts'
import { writeLine } from '../core/log_line.ts'
import { openDatabase } from '../db/client.ts'
import type { BaseCtx } from '../db/context.ts'
import { createLog } from './log.ts'
import { regionOf } from './region.ts'
import type { AppEnv } from './route.ts'

const foreignRequestIdPattern = /^[\w.:/+=-]{1,128}$/

/** First middleware: builds the base context, and writes the request's log line when all is done. */
export const requestContext: MiddlewareHandler<AppEnv> = async (c, next) => {
  const started = Date.now()
  const requestId = uuidv7(started)
  const log = createLog(requestId)
  const request = c.req.raw as Request<unknown, IncomingRequestCfProperties>
  const base = createBase(c.env, {
    log,
    requestId,
    clientAddress: c.req.header('CF-Connecting-IP') ?? '127.0.0.1',
    place: request.cf,
    waitUntil: (work) => c.executionCtx.waitUntil(work),
  })
  c.set('base', base)
  const foreignId = c.req.header('X-Request-Id')
  if (foreignId !== undefined && foreignRequestIdPattern.test(foreignId)) log.add({ client_request_id: foreignId })
  await next()
  for (const [name, value] of Object.entries({ 'X-Request-Id': requestId, ...c.get('replyHeaders') })) c.res.headers.set(name, value)
  const bytes = c.req.header('Content-Length')
  writeLine('info', 'request', {
    request_id: requestId,
    method: c.req.method,
    status: c.res.status,
    ms: Date.now() - started,
    ...(bytes !== undefined && /^\d{1,15}$/.test(bytes) && { request_bytes: Number(bytes) }),
    ...log.line,
  })
}

interface Origin {
  log: BaseCtx['log']
  requestId: string
  clientAddress: string
  place?: Parameters<typeof regionOf>[0]
  waitUntil(work: Promise<unknown>): void
}

/** Also for jobs and schedules, which have no request. */
export function createBase(env: Env, { log, requestId, clientAddress, place, waitUntil }: Origin): BaseCtx {
  const config = configOf(env)
  return {
    db: openDatabase(env.DB),
    env,
    config,
    log,
    requestId,
    clientAddress,
    region: regionOf(place, config.defaultRegion),
    now: () => Date.now(),
    newId: () => uuidv7(Date.now()),
    waitUntil: (work) => waitUntil(work.catch((error: unknown) => log.error('work after the answer failed', error))),
  }
}
