import { sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import type { SQLiteTable } from 'drizzle-orm/sqlite-core'
import type { TaskJob } from '../core/jobs.ts'
import { deletedKeptMs, purgeMarginMs, purgeObjectsMax, purgeRowsMax } from '../core/limits.ts'
import { outboxKey } from '../core/mails.ts'
import type { BaseCtx } from '../db/context.ts'
import { sendJobs } from '../db/jobs.ts'
import { mails } from '../db/schema_content.ts'
import { removeObjects } from '../features/tasks/files.ts'

/* What the steps of a purge share. */

/** `more`: the step was as large as it may be, so the same has to be done again. */
export type StepEnd = 'more' | 'done'

/** What was deleted at this time or earlier is due. */
export function purgeBeforeMs({ now }: Pick<BaseCtx, 'now'>): number {
  return now() - deletedKeptMs - purgeMarginMs
}

export async function sendPurge(ctx: BaseCtx, thing: Extract<TaskJob, { kind: 'purge' }>['thing'], id: string): Promise<void> {
  await sendJobs(ctx, 'task-jobs', [{ kind: 'purge', thing, id }])
}

/** Removes some of the rows that `where` finds; a statement for a batch, see `endOf`. */
export function deleteSome({ db }: BaseCtx, table: SQLiteTable, where: SQL) {
  return db.delete(table).where(sql`rowid in (select rowid from ${table} where ${where} limit ${purgeRowsMax})`)
}

/** Whether any of these deletions may have left something. */
export function endOf(results: readonly D1Result[]): StepEnd {
  return results.some(({ meta }) => meta.changes >= purgeRowsMax) ? 'more' : 'done'
}

/** Removes some of the objects whose keys begin so. */
export async function removePrefix(ctx: BaseCtx, prefix: string): Promise<StepEnd> {
  const { objects, truncated } = await ctx.env.STORAGE.list({ prefix, limit: purgeObjectsMax })
  await removeObjects(
    ctx,
    objects.map(({ key }) => key),
  )
  return truncated ? 'more' : 'done'
}

/** Removes some of the mails that `where` finds, with their objects: those first, so that none stays behind. */
export async function removeMails(ctx: BaseCtx, where: SQL): Promise<StepEnd> {
  const found = await ctx.db.select({ id: mails.id, ownerId: mails.ownerId }).from(mails).where(where).limit(purgeObjectsMax)
  await removeObjects(ctx, found.map(outboxKey))
  await ctx.db.delete(mails).where(sql`${mails.id} in (select value from json_each(${JSON.stringify(found.map(({ id }) => id))}))`)
  return found.length === purgeObjectsMax ? 'more' : 'done'
}
