import { and, asc, eq, exists, gt, isNull, sql } from 'drizzle-orm'
import { dateOf, dayOf } from '../core/calendar.ts'
import type { TaskJob } from '../core/jobs.ts'
import { usageOrganizationsPerJob, usageRollupDays } from '../core/limits.ts'
import type { BaseCtx } from '../db/context.ts'
import { sendJobs } from '../db/jobs.ts'
import { ofLiveAccount } from '../db/live.ts'
import { accounts, logShards, organizations } from '../db/schema.ts'
import { usageDays } from '../db/schema_jobs.ts'
import { usageOfLogs } from '../search/storage/usage.ts'
import { tenantOf } from './tenant.ts'

type UsageJob = Extract<TaskJob, { kind: 'usage' }>

/** Sets a round going over all organizations that have shards: today, and the days before whose last counts may have come late. */
export async function startUsageRollup(ctx: BaseCtx): Promise<void> {
  const today = dayOf(ctx.now())
  await sendJobs(ctx, 'task-jobs', [{ kind: 'usage', from_day: dateOf(today - usageRollupDays + 1), to_day: dateOf(today), after: '' }])
}

/**
 * Writes down what some organizations stored on these days, those behind `after`; the next ones get a message of their own. The
 * shards count for ever upwards within a day, so writing what they say again and again ends with the last count.
 */
export async function rollUpUsage(base: BaseCtx, job: UsageJob): Promise<void> {
  const ids = await nextOrganizations(base, job.after)
  for (const id of ids) {
    try {
      await rollUpOrganization(base, id, job)
    } catch (error) {
      // The rounds of the next hours ask again; one organization must not keep those behind it from theirs.
      base.log.error('usage of an organization was not rolled up', error, { organization_id: id })
    }
  }
  const last = ids.at(-1)
  if (last !== undefined && ids.length === usageOrganizationsPerJob) await sendJobs(base, 'task-jobs', [{ ...job, after: last }])
}

async function nextOrganizations({ db }: BaseCtx, after: string): Promise<string[]> {
  const shards = db
    .select({ one: sql`1` })
    .from(logShards)
    .where(eq(logShards.organizationId, organizations.id))
  const rows = await db
    .select({ id: organizations.id })
    .from(organizations)
    .innerJoin(accounts, ofLiveAccount)
    .where(and(gt(organizations.id, after), isNull(organizations.deletedAt), exists(shards)))
    .orderBy(asc(organizations.id))
    .limit(usageOrganizationsPerJob)
  return rows.map(({ id }) => id)
}

async function rollUpOrganization(base: BaseCtx, organizationId: string, { from_day: from, to_day: to }: UsageJob): Promise<void> {
  const organization = await tenantOf(base, organizationId)
  if (organization === undefined) return
  const { days } = await usageOfLogs(organization.ctx, { from, to })
  if (days.length === 0) return
  await base.db
    .insert(usageDays)
    .values(
      days.map(({ day, received, stored }) => ({
        organizationId,
        day,
        receivedRows: received.rows,
        receivedBytes: received.bytes,
        storedRows: stored.rows,
        storedBytes: stored.bytes,
        updatedAt: base.now(),
      })),
    )
    .onConflictDoUpdate({
      target: [usageDays.organizationId, usageDays.day],
      set: {
        receivedRows: sql`excluded.received_rows`,
        receivedBytes: sql`excluded.received_bytes`,
        storedRows: sql`excluded.stored_rows`,
        storedBytes: sql`excluded.stored_bytes`,
        updatedAt: base.now(),
      },
      // A day on which nothing came any more costs no write; a round that was overtaken takes nothing back.
      setWhere: sql`excluded.received_rows > ${usageDays.receivedRows}`,
    })
}
