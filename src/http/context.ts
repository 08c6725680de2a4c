import type { MiddlewareHandler } from 'hono'
import { configOf } from '../config.ts'
import type { Env, Exports } from '../config.ts'
import { createRunCosts, isolateMeter, meterName } from '../core/cost_meter.ts'
import type { RunCosts } from '../core/cost_meter.ts'
import { createUuidv7, uuidv7 } from '../core/ids.ts'
import { createLog } from '../core/log.ts'
import { writeLine } from '../core/log_line.ts'
import { meteredBindings, meteredExports } from '../core/metered.ts'
import { openDatabase } from '../db/client.ts'
import type { BaseCtx } from '../db/context.ts'
import { placeOf, regionOf } from './region.ts'
import type { AppEnv } from './route.ts'

const foreignRequestIdPattern = /^[\w.:/+=-]{1,128}$/

/** First middleware: builds the base context, and writes the request's log line when all is done. */
export const requestContext: MiddlewareHandler<AppEnv> = async (c, next) => {
  const started = Date.now()
  const requestId = uuidv7(started)
  const log = createLog(requestId)
  const costs = createRunCosts(isolateMeter)
  costs.count('worker_requests')
  const request = c.req.raw as Request<unknown, IncomingRequestCfProperties>
  const base = createBase(c.env, {
    log,
    costs,
    requestId,
    clientAddress: c.req.header('CF-Connecting-IP') ?? '127.0.0.1',
    place: request.cf,
    exports: c.executionCtx.exports as Exports | undefined,
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
    cost: costs.counts,
  })
  const { route } = log.line
  costs.assign(typeof route === 'string' ? route : 'unrouted')
  reportCosts(c.env, base)
}

/** Runs a job or a schedule, which have no request; `operation` names it in the cost meter. */
export async function runJob<T>(
  env: Env,
  operation: string,
  waitUntil: Origin['waitUntil'],
  job: (ctx: BaseCtx) => Promise<T>,
): Promise<T> {
  const requestId = uuidv7(Date.now())
  const costs = createRunCosts(isolateMeter)
  costs.assign(operation)
  const ctx = createBase(env, { log: createLog(requestId), costs, requestId, clientAddress: '', waitUntil })
  try {
    return await job(ctx)
  } finally {
    reportCosts(env, ctx)
  }
}

function reportCosts(env: Env, ctx: BaseCtx): void {
  ctx.waitUntil(isolateMeter.flush(Date.now(), (costs) => env.METER.getByName(meterName).report(costs)))
}

interface Origin {
  log: BaseCtx['log']
  /** Counts the calls of bindings; left out where nobody asks what they cost. */
  costs?: RunCosts
  requestId: string
  clientAddress: string
  place?: Parameters<typeof regionOf>[0]
  exports?: Exports | undefined
  waitUntil(work: Promise<unknown>): void
}

/** Clock, ids, configuration and storages of one request or job. Every call of a binding goes through what is built here. */
export function createBase(plainEnv: Env, { log, costs, requestId, clientAddress, place, exports, waitUntil }: Origin): BaseCtx {
  const config = configOf(plainEnv)
  const env = costs === undefined ? plainEnv : meteredBindings(plainEnv, costs.count)
  return {
    db: openDatabase(env.DB),
    env,
    exports: costs === undefined || exports === undefined ? exports : meteredExports(exports, costs.count),
    config,
    log,
    requestId,
    clientAddress,
    place: placeOf(place),
    region: regionOf(place, config.defaultRegion),
    now: () => Date.now(),
    newId: createUuidv7(() => Date.now()),
    waitUntil: (work) => waitUntil(work.catch((error: unknown) => log.error('work after the answer failed', error))),
  }
}
