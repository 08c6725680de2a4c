import { and, eq, isNull, sql } from 'drizzle-orm'
import { jobSchemas } from '../../core/jobs.ts'
import { problem } from '../../core/problems.ts'
import type { UserCtx } from '../../db/context.ts'
import { sendJobs } from '../../db/jobs.ts'
import { deadJobs } from '../../db/schema_jobs.ts'
import { deadJobEntry } from './audit.ts'
import { findDeadJob } from './find.ts'
import { deadJobJson } from './json.ts'
import { putBack } from './put_back.ts'
import type { DeadJobJson } from './schema.ts'

/**
 * Sends a message that was given up to its queue again, with the id of the request that began it, and puts what it is about back to
 * where the queue finds it. Once: should it die again, that is another dead job. Throws `conflict` for one that was sent again
 * already, that nobody knows the form of, or whose thing is over.
 */
export async function replayDeadJob(ctx: UserCtx, id: string): Promise<DeadJobJson> {
  const row = await findDeadJob(ctx, id)
  if (row.replayedAt !== null) throw replayedAlready()
  const job = jobSchemas[row.queue].safeParse(JSON.parse(row.body))
  if (!job.success) throw problem('conflict', 'The message has a form that nobody knows, so nothing would come of it.')
  const open = and(eq(deadJobs.id, id), isNull(deadJobs.replayedAt)) ?? sql`false`
  const back = await putBack(ctx, row.queue, job.data, sql`exists (select 1 from ${deadJobs} where ${open})`)
  const [claimed] = await ctx.db.batch([
    // Of two at once the second finds it closed: D1 runs one batch after the other.
    ctx.db.select({ id: deadJobs.id }).from(deadJobs).where(open),
    deadJobEntry(ctx, 'replay', row, open),
    ...back,
    ctx.db.update(deadJobs).set({ replayedAt: ctx.now(), replayedBy: ctx.user.id }).where(open),
  ])
  if (claimed.length === 0) throw replayedAlready()
  try {
    await sendJobs(ctx, row.queue, [{ ...job.data, request_id: job.data.request_id ?? row.requestId ?? ctx.requestId }])
  } catch (error) {
    // It may be tried again; the sweeps find what was put back meanwhile.
    await ctx.db.update(deadJobs).set({ replayedAt: null, replayedBy: null }).where(eq(deadJobs.id, id))
    throw error
  }
  return deadJobJson({ ...row, replayedAt: ctx.now(), replayedBy: ctx.user.id })
}

function replayedAlready() {
  return problem('conflict', 'It was sent again already. Should it be given up once more, that is another dead job.')
}
