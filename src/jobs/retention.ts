import { and, asc, eq, isNotNull, or, sql } from 'drizzle-orm'
import { dayMs } from '../core/calendar.ts'
import type { TaskJob } from '../core/jobs.ts'
import { retentionShardsPerJob } from '../core/limits.ts'
import type { BaseCtx } from '../db/context.ts'
import { sendJobs } from '../db/jobs.ts'
import { logShards, organizations } from '../db/schema.ts'
import { retentionShardColumns, tellShard } from '../features/log-settings/tell_shard.ts'

type Place = Extract<TaskJob, { kind: 'retention' }>['after']

/** Sets a round of retention going, over the shards of all organizations. */
export async function startRetention(ctx: BaseCtx): Promise<void> {
  await sendJobs(ctx, 'task-jobs', [{ kind: 'retention', after: { organization_id: '', number: -1 } }])
}

/**
 * Tells some shards, those behind `after`, from when on logs are kept; the next ones get a message of their own. Each shard
 * removes what has expired by itself, and says with the next round how much that was. Repeating a message repeats nothing.
 */
export async function applyRetention(ctx: BaseCtx, after: Place): Promise<void> {
  const rows = await nextShards(ctx, after)
  const failures: unknown[] = []
  // One after the other: nobody waits for it, and each may have to wake.
  for (const row of rows) await tellShard(ctx, row).catch((error: unknown) => failures.push(error))
  const last = rows.at(-1)
  if (last !== undefined && rows.length === retentionShardsPerJob)
    await sendJobs(ctx, 'task-jobs', [{ kind: 'retention', after: { organization_id: last.organizationId, number: last.number } }])
  // A shard that failed gets its turn in the next round, and must not keep the others from theirs.
  for (const error of failures) ctx.log.error('retention of a shard failed', error)
}

/** Shards old enough to hold something that has expired, and those that may go by a term that is too short by now. */
function nextShards(ctx: BaseCtx, { organization_id: organizationId, number }: Place) {
  const { organizationId: owner, toldRetentionDays: told } = logShards
  const { retentionDays, settingsVersion } = organizations
  const behind = sql`(${owner}, ${logShards.number}) > (${organizationId}, ${number})`
  const expirable = sql`${logShards.createdAt} < ${ctx.now()} - ${retentionDays} * ${dayMs}`
  const outdated = and(isNotNull(told), sql`${retentionDays} is not ${told}`)
  return ctx.db
    .select({ ...retentionShardColumns, retentionDays, version: settingsVersion })
    .from(logShards)
    .innerJoin(organizations, eq(organizations.id, owner))
    .where(and(or(expirable, outdated), behind))
    .orderBy(asc(owner), asc(logShards.number))
    .limit(retentionShardsPerJob)
}
