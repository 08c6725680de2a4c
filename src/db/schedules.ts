import { and, eq, inArray, sql } from 'drizzle-orm'
import type { BaseCtx } from './context.ts'
import { isLeaseFree } from './lease.ts'
import { schedules } from './schema_jobs.ts'

/** A run that holds its schedule, until it ends or `leaseMs` are over. */
export interface Lease {
  readonly name: string
  readonly id: string
}

/**
 * Claims schedules, those that nobody holds, in one statement each: two of one schedule never run at a time. `all` are those that
 * there are, so that one whose time never comes is missed.
 */
export async function claimSchedules(
  ctx: BaseCtx,
  { names, all, leaseMs }: { names: readonly string[]; all: readonly string[]; leaseMs: number },
): Promise<Lease[]> {
  const now = ctx.now()
  // In the order of the table's columns, as drizzle wants it.
  const known = sql`select value, null, 0, null, null, null, null, null, 0, 0, null, ${now}, 0, null from json_each(${JSON.stringify(all)}) where true`
  const leases = names.map((name) => ({ name, id: ctx.newId() }))
  const [, ...claimed] = await ctx.db.batch([
    ctx.db.insert(schedules).select(known).onConflictDoNothing(),
    ...leases.map(({ name, id }) =>
      ctx.db
        .update(schedules)
        .set({
          leaseId: id,
          leaseUntil: now + leaseMs,
          startedAt: now,
          runs: sql`${schedules.runs} + 1`,
          // Who held it before did not come to an end.
          failures: sql`${schedules.failures} + (${schedules.leaseId} is not null)`,
        })
        .where(and(eq(schedules.name, name), isLeaseFree(schedules.leaseUntil, now, leaseMs)))
        .returning({ id: schedules.leaseId }),
    ),
  ])
  const held = new Set(claimed.flat().map((row) => row.id))
  const skipped = leases.filter(({ id }) => !held.has(id)).map(({ name }) => name)
  if (skipped.length > 0)
    await ctx.db
      .update(schedules)
      .set({ skips: sql`${schedules.skips} + 1`, skippedAt: now })
      .where(inArray(schedules.name, skipped))
  return leases.filter(({ id }) => held.has(id))
}

/** Gives the schedule free, and writes down how the run ended; nothing where somebody else has it by now. */
export async function endSchedule(
  ctx: BaseCtx,
  { name, id }: Lease,
  { startedMs, error }: { startedMs: number; error: string | null },
): Promise<void> {
  const now = ctx.now()
  const ended = { leaseId: null, leaseUntil: 0, endedAt: now, durationMs: now - startedMs, error }
  await ctx.db
    .update(schedules)
    .set(
      error === null
        ? { ...ended, outcome: 'ok', succeededAt: now }
        : { ...ended, outcome: 'failed', failures: sql`${schedules.failures} + 1` },
    )
    .where(and(eq(schedules.name, name), eq(schedules.leaseId, id)))
}

export type ScheduleRow = typeof schedules.$inferSelect

/** What is known of all schedules that ever ran here. */
export function scheduleRows(ctx: BaseCtx): Promise<ScheduleRow[]> {
  return ctx.db.select().from(schedules)
}
