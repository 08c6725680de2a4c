import { sql } from 'drizzle-orm'
import { healthCacheMs, healthCheckMs } from '../../core/limits.ts'
import type { BaseCtx } from '../../db/context.ts'
import { isDamageKnown } from '../../db/damaged_segments.ts'
import { checkNames } from './schema.ts'
import type { Check, CheckName, Health } from './schema.ts'

/** A dedicated object, so that a check never wakes or waits for a tenant's shard. */
const healthObject = 'health'
/** No such object or key has to exist: a clean "not there" is a working storage. */
const probeKey = 'health/probe'

/** Without these nothing is ingested or read; trouble elsewhere degrades. */
const essential: readonly CheckName[] = ['database', 'log_shard']

const probes: Record<CheckName, (ctx: BaseCtx) => Promise<unknown>> = {
  database: ({ db }) => db.run(sql`SELECT 1`),
  kv: ({ env }) => env.RATE_LIMITS.get(probeKey),
  storage: ({ env }) => env.STORAGE.head(probeKey),
  /** Stored logs that queries could not read. */
  segments: async (ctx) => {
    if (await isDamageKnown(ctx)) throw new Error('stored logs are damaged: see the table damaged_segments')
  },
  log_shard: ({ env }) => env.LOG_SHARD.getByName(healthObject).ping(),
  queues: ({ env }) => env.EMAIL_JOBS.metrics(),
}

const recent = new Map<CheckName, { startedMs: number; check: Promise<Check> }>()

/** Really asks each storage, at most once in `healthCacheMs` an isolate. */
export async function checkHealth(ctx: BaseCtx, names: readonly CheckName[] = checkNames): Promise<Health> {
  const entries = await Promise.all(names.map(async (name) => [name, await checkOne(ctx, name)] as const))
  const down = entries.filter(([, check]) => check.status === 'down').map(([name]) => name)
  const status = down.length === 0 ? 'ok' : down.some((name) => essential.includes(name)) ? 'unavailable' : 'degraded'
  return { status, checks: Object.fromEntries(entries) }
}

/** Requests that come while a check runs wait for that one. */
function checkOne(ctx: BaseCtx, name: CheckName): Promise<Check> {
  const startedMs = ctx.now()
  const known = recent.get(name)
  if (known && startedMs - known.startedMs < healthCacheMs) return known.check
  const check = probe(ctx, name, startedMs)
  recent.set(name, { startedMs, check })
  // Others may wait for it when the client of this request has gone.
  ctx.waitUntil(check)
  return check
}

async function probe(ctx: BaseCtx, name: CheckName, startedMs: number): Promise<Check> {
  const status = await settle(probes[name](ctx)).catch((error: unknown) => {
    ctx.log.error('health check failed', error, { check: name })
    return 'down' as const
  })
  return { status, latency_ms: ctx.now() - startedMs }
}

async function settle(probe: Promise<unknown>): Promise<'ok'> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${healthCheckMs} ms`)), healthCheckMs)
  })
  try {
    await Promise.race([probe, late])
    return 'ok'
  } finally {
    clearTimeout(timer)
  }
}
