import { eq, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core'
import type { BaseCtx } from '../db/context.ts'
import { notificationChannels, notificationEmails } from '../db/schema_alerts.ts'
import { mailSuppressions, reports } from '../db/schema_jobs.ts'

/**
 * Statements that take a person's address out of whatever organizations write to: what was confirmed, whom channels and reports go
 * to, and what the address did not want, which is of no use any more.
 */
export function forgetAddress(ctx: BaseCtx, email: string) {
  const channel = listOf(notificationChannels.config, '$.to', email)
  const report = listOf(reports.definition, '$.to_emails', email)
  return [
    ctx.db.delete(notificationEmails).where(eq(notificationEmails.email, email)),
    ctx.db.delete(mailSuppressions).where(eq(mailSuppressions.email, email)),
    ctx.db.update(notificationChannels).set({ config: channel.without }).where(channel.names),
    ctx.db.update(reports).set({ definition: report.without }).where(report.names),
  ] as const
}

/** A list of addresses inside a JSON column: whether it names the address, and the JSON without it. */
function listOf(column: SQLiteColumn, path: string, email: string): { names: SQL; without: SQL } {
  return {
    names: sql`exists (select 1 from json_each(${column}, ${path}) as named where named.value = ${email})`,
    without: sql`json_set(${column}, ${path},
      (select json_group_array(named.value) from json_each(${column}, ${path}) as named where named.value <> ${email}))`,
  }
}
