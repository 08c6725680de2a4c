import { and, asc, eq, isNotNull, sql } from 'drizzle-orm'
import type { TaskJob } from '../core/jobs.ts'
import { retentionShardsPerJob } from '../core/limits.ts'
import { keepFromMs } from '../core/settings.ts'
import { auditStatement } from '../db/audit.ts'
import type { BaseCtx } from '../db/context.ts'
import { openLogShard } from '../db/log_shards.ts'
import { logShards, organizations } from '../db/schema.ts'
import { inTenant } from '../db/tenant.ts'

type Place = Extract<TaskJob, { kind: 'retention' }>['after']

const dayMs = 86_400_000

/** Sets a round of retention going, over the shards of all organizations. */
export async function startRetention(ctx: BaseCtx): Promise<void> {
  await ctx.env.TASK_JOBS.send({ kind: 'retention', after: { organization_id: '', number: -1 } })
}

/**
 * Tells some shards, those behind `after`, from when on logs are kept; the next ones get a message of their own. Each shard
 * removes what has expired by itself, and says with the next round how much that was. Repeating a message repeats nothing.
 */
export async function applyRetention(ctx: BaseCtx, after: Place): Promise<void> {
  const rows = await nextShards(ctx, after)
  const failures: unknown[] = []
  // One after the other: nobody waits for it, and each may have to wake.
  for (const row of rows) await applyToShard(ctx, row).catch((error: unknown) => failures.push(error))
  const last = rows.at(-1)
  if (last !== undefined && rows.length === retentionShardsPerJob)
    await ctx.env.TASK_JOBS.send({ kind: 'retention', after: { organization_id: last.organizationId, number: last.number } })
  // A shard that failed gets its turn in the next round, and must not keep the others from theirs.
  for (const error of failures) ctx.log.error('retention of a shard failed', error)
}

type ShardRow = Awaited<ReturnType<typeof nextShards>>[number]

/** Shards old enough to hold something that has expired, of organizations that do not keep all. */
function nextShards(ctx: BaseCtx, { organization_id: organizationId, number }: Place) {
  const { organizationId: owner } = logShards
  const behind = sql`(${owner}, ${logShards.number}) > (${organizationId}, ${number})`
  const expirable = sql`${logShards.createdAt} < ${ctx.now()} - ${organizations.retentionDays} * ${dayMs}`
  return ctx.db
    .select({
      organizationId: owner,
      region: logShards.region,
      number: logShards.number,
      expiredRows: logShards.expiredRows,
      retentionDays: organizations.retentionDays,
    })
    .from(logShards)
    .innerJoin(organizations, eq(organizations.id, owner))
    .where(and(isNotNull(organizations.retentionDays), expirable, behind))
    .orderBy(asc(owner), asc(logShards.number))
    .limit(retentionShardsPerJob)
}

async function applyToShard(ctx: BaseCtx, shard: ShardRow): Promise<void> {
  const { organizationId, region, number, expiredRows } = shard
  const { identity, rpc } = openLogShard(ctx, organizationId, { region, number })
  const { removedRows } = await rpc.applyRetention(identity, keepFromMs(shard, ctx.now()))
  if (removedRows > expiredRows) await auditRemoval(ctx, shard, removedRows)
}

/** One entry for the rows that went since the last one; the stored count keeps a repeat from telling them again. */
async function auditRemoval(ctx: BaseCtx, { organizationId, number, expiredRows, retentionDays }: ShardRow, removedRows: number) {
  const untold = inTenant({ tenant: { organizationId } }, logShards, eq(logShards.number, number), eq(logShards.expiredRows, expiredRows))
  const origin = { organizationId, actor: { kind: 'system', id: null } } as const
  const entry = {
    action: 'logs.expire',
    target: { kind: 'log_shard', id: String(number) },
    details: { rows: removedRows - expiredRows, retention_days: retentionDays },
  }
  await ctx.db.batch([
    auditStatement(ctx, origin, entry, sql`from ${logShards} where ${untold}`),
    ctx.db.update(logShards).set({ expiredRows: removedRows }).where(untold),
  ])
}
