import { lt, sql } from 'drizzle-orm'
import { uuidv7Bound } from '../core/ids.ts'
import { deadJobsKeptMs, deadJobsRemovedMax } from '../core/limits.ts'
import type { BaseCtx } from '../db/context.ts'
import { deadJobs } from '../db/schema_jobs.ts'

/** Removes messages that were given up long ago; what is more than one statement removes is for the next run. */
export async function forgetDeadJobs(ctx: BaseCtx): Promise<void> {
  const old = lt(deadJobs.id, uuidv7Bound(ctx.now() - deadJobsKeptMs))
  await ctx.db.delete(deadJobs).where(sql`rowid in (select rowid from ${deadJobs} where ${old} limit ${deadJobsRemovedMax})`)
}
