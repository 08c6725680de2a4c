import { eq } from 'drizzle-orm'
import type { UserCtx } from '../../db/context.ts'
import { deadJobs } from '../../db/schema_jobs.ts'
import { deadJobEntry } from './audit.ts'
import { findDeadJob, noSuchDeadJob } from './find.ts'

/** Forgets a message that was given up; what it was about stays as it is. */
export async function deleteDeadJob(ctx: UserCtx, id: string): Promise<void> {
  const row = await findDeadJob(ctx, id)
  const own = eq(deadJobs.id, id)
  const [, gone] = await ctx.db.batch([
    deadJobEntry(ctx, 'delete', row, own),
    ctx.db.delete(deadJobs).where(own).returning({ id: deadJobs.id }),
  ])
  if (gone.length === 0) throw noSuchDeadJob()
}
