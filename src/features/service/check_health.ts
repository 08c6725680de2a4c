import { sql } from 'drizzle-orm'
import { healthCacheMs, healthCheckMs } from '../../core/limits.ts'
import type { ScheduleName } from '../../core/schedules.ts'
import { within } from '../../core/within.ts'
import type { BaseCtx } from '../../db/context.ts'
import { isDamageKnown } from '../../db/damaged_segments.ts'
import { scheduleHealth } from './schedule_health.ts'
import { checkNames } from './schema.ts'
import type { Check, CheckName, Health } from './schema.ts'

/** A dedicated object, so that a check never wakes or waits for a tenant's shard. */
const healthObject = 'health'
/** No such object or key has to exist: a clean "not there" is a working storage. */
const probeKey = 'health/probe'

/** Without these nothing is ingested or read; trouble elsewhere degrades. */
const essential: readonly CheckName[] = ['database', 'log_shard']

const probes: Record<CheckName, (ctx: BaseCtx, schedules: readonly ScheduleName[]) => Promise<unknown>> = {
  database: ({ db }) => db.run(sql`SELECT 1`),
  kv: ({ env }) => env.RATE_LIMITS.get(probeKey),
  storage: ({ env }) => env.STORAGE.head(probeKey),
  /** Stored logs that queries could not read. */
  segments: async (ctx) => {
    if (await isDamageKnown(ctx)) throw new Error('stored logs are damaged: see the table damaged_segments')
  },
  log_shard: ({ env }) => env.LOG_SHARD.getByName(healthObject).ping(),
  queues: ({ env }) => env.EMAIL_JOBS.metrics(),
  schedules: async (ctx, schedules) => {
    const late = (await scheduleHealth(ctx, schedules)).filter((state) => state.late)
    if (late.length > 0) throw new Error(`schedules are late: ${late.map(({ name }) => name).join(', ')}`)
  },
}

const recent = new Map<CheckName, { startedMs: number; check: Promise<Check> }>()

/** Really asks each storage, at most once in `healthCacheMs` an isolate, and whether the schedules that there are keep their times. */
export async function checkHealth(
  ctx: BaseCtx,
  schedules: readonly ScheduleName[],
  names: readonly CheckName[] = checkNames,
): Promise<Health> {
  const entries = await Promise.all(names.map(async (name) => [name, await checkOne(ctx, name, schedules)] as const))
  const down = entries.filter(([, check]) => check.status === 'down').map(([name]) => name)
  const status = down.length === 0 ? 'ok' : down.some((name) => essential.includes(name)) ? 'unavailable' : 'degraded'
  return { status, checks: Object.fromEntries(entries) }
}

/** Requests that come while a check runs wait for that one. */
function checkOne(ctx: BaseCtx, name: CheckName, schedules: readonly ScheduleName[]): Promise<Check> {
  const startedMs = ctx.now()
  const known = recent.get(name)
  if (known && startedMs - known.startedMs < healthCacheMs) return known.check
  const check = settle(ctx, name, startedMs, () => probes[name](ctx, schedules))
  recent.set(name, { startedMs, check })
  // Others may wait for it when the client of this request has gone.
  ctx.waitUntil(check)
  return check
}

async function settle(ctx: BaseCtx, name: CheckName, startedMs: number, probe: () => Promise<unknown>): Promise<Check> {
  const status = await within(probe(), healthCheckMs).then(
    () => 'ok' as const,
    (error: unknown) => {
      ctx.log.error('health check failed', error, { check: name })
      return 'down' as const
    },
  )
  return { status, latency_ms: ctx.now() - startedMs }
}
