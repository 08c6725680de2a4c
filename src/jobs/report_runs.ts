import { and, asc, eq, isNotNull, isNull, lte, or, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import { objectDeleteKeysMax, reportFilesKeptMs, reportFilesRoundsMax, reportLeaseMs } from '../core/limits.ts'
import type { BaseCtx } from '../db/context.ts'
import { isLeaseFree } from '../db/lease.ts'
import { reportRuns } from '../db/schema_jobs.ts'
import { inTenant } from '../db/tenant.ts'
import { reportFileKey } from '../features/reports/report.ts'
import { removeObjects } from '../features/tasks/files.ts'

/** Which run of which report; the organization is that of an authenticated context or of a row. */
export interface RunKey {
  organizationId: string
  reportId: string
  dueAt: number
}

type Db = Pick<BaseCtx, 'db'>

/**
 * Takes the lease of a run before it searches, and notes its file before that is written. False when it is over, or somebody has it:
 * deliveries at the same time search once, and one whose job died is taken over when the lease has ended.
 */
export async function claimRun(ctx: Pick<BaseCtx, 'db' | 'now' | 'requestId'>, run: RunKey): Promise<boolean> {
  const now = ctx.now()
  const [leaseUntil, keptUntil] = [now + reportLeaseMs, now + reportFilesKeptMs]
  const claimed = await ctx.db
    .insert(reportRuns)
    .values({ ...run, leaseUntil, asked: false, requestId: ctx.requestId, createdAt: now, keptUntil })
    .onConflictDoUpdate({
      target: [reportRuns.organizationId, reportRuns.reportId, reportRuns.dueAt],
      set: { leaseUntil, keptUntil },
      setWhere: sql`${isLeaseFree(reportRuns.leaseUntil, now, reportLeaseMs)}`,
    })
    .returning({ dueAt: reportRuns.dueAt })
  return claimed.length > 0
}

/** Whether a run that could not be claimed may still have to be done. */
export async function isUnderWay(ctx: Db, run: RunKey): Promise<boolean> {
  return (await ctx.db.$count(reportRuns, openRun(run))) > 0
}

/** Condition on `report_runs`: the run is not over. */
export function openRun(run: RunKey): SQL {
  return ofRun(run, isNotNull(reportRuns.leaseUntil))
}

/** For the batch that stores what came of it: nothing of this moment is done again. */
export function endRun({ db }: Db, run: RunKey) {
  return db.update(reportRuns).set({ leaseUntil: null }).where(ofRun(run))
}

/** Lets the next delivery begin at once. */
export async function releaseRun(ctx: Db, run: RunKey): Promise<void> {
  await ctx.db.update(reportRuns).set({ leaseUntil: 0 }).where(openRun(run))
}

/**
 * Removes the files of reports whose time is over, of all organizations, whether their report still runs or not, and then the rows
 * that name them: what fails in between is done again.
 */
export async function forgetReportFiles(ctx: Pick<BaseCtx, 'db' | 'env' | 'now'>): Promise<void> {
  const now = ctx.now()
  const { organizationId, reportId, dueAt } = reportRuns
  const over = and(
    lte(reportRuns.keptUntil, now),
    // Of a report that was deleted while it ran the file may be still to come.
    or(isNull(reportRuns.leaseUntil), isLeaseFree(reportRuns.leaseUntil, now, reportLeaseMs)),
  )
  for (let round = 0; round < reportFilesRoundsMax; round++) {
    const runs = await ctx.db
      .select({ organizationId, reportId, dueAt })
      .from(reportRuns)
      .where(over)
      .orderBy(asc(reportRuns.keptUntil))
      .limit(objectDeleteKeysMax)
    if (runs.length === 0) return
    await removeObjects(ctx, runs.map(reportFileKey))
    const keys = JSON.stringify(runs.map((run) => [run.organizationId, run.reportId, run.dueAt]))
    const amongst = sql`(${organizationId}, ${reportId}, ${dueAt}) in (select value ->> 0, value ->> 1, value ->> 2 from json_each(${keys}))`
    await ctx.db.delete(reportRuns).where(and(over, amongst))
    if (runs.length < objectDeleteKeysMax) return
  }
}

function ofRun({ organizationId, reportId, dueAt }: RunKey, ...conditions: SQL[]): SQL {
  return inTenant({ tenant: { organizationId } }, reportRuns, eq(reportRuns.reportId, reportId), eq(reportRuns.dueAt, dueAt), ...conditions)
}
