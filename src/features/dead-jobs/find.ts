import { eq } from 'drizzle-orm'
import { problem } from '../../core/problems.ts'
import type { UserCtx } from '../../db/context.ts'
import { deadJobs } from '../../db/schema_jobs.ts'
import { deadJobJson } from './json.ts'
import type { DeadJobRow } from './json.ts'
import type { DeadJobJson } from './schema.ts'

/** One message that was given up; throws `not_found` for none. */
export async function findDeadJob(ctx: UserCtx, id: string): Promise<DeadJobRow> {
  const [row] = await ctx.db.select().from(deadJobs).where(eq(deadJobs.id, id))
  if (row === undefined) throw noSuchDeadJob()
  return row
}

export async function getDeadJob(ctx: UserCtx, id: string): Promise<DeadJobJson> {
  return deadJobJson(await findDeadJob(ctx, id))
}

export function noSuchDeadJob() {
  return problem('not_found', 'There is no such dead job.')
}
