import { sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import { dayMs } from '../../core/calendar.ts'
import { auditDaysDefault, auditRemovalsMax, auditRemovedRows } from '../../core/limits.ts'
import type { BaseCtx } from '../../db/context.ts'
import { accounts, organizations } from '../../db/schema.ts'
import { accountAuditLog, auditLog } from '../../db/schema_audit.ts'

/**
 * Removes entries older than their organization keeps them, in slices, as a schedule: what is left is for the next run. An
 * account keeps its own entries as long as the one of its organizations that keeps them longest.
 */
export async function forgetOldAuditEntries(ctx: BaseCtx): Promise<void> {
  const organizationDays = sql`${organizations.auditDays}`
  const accountDays = sql`coalesce((select max(${organizations.auditDays}) from ${organizations}
    where ${organizations.accountId} = ${accounts.id}), ${auditDaysDefault})`
  // One seek an owner, since ids begin with their time: without `cross join` the planner might read the whole log.
  const old = sql`select ${auditLog.organizationId}, ${auditLog.id} from ${organizations} cross join ${auditLog}
    on ${auditLog.organizationId} = ${organizations.id} and ${auditLog.id} < ${firstKept(ctx, organizationDays)} limit ${auditRemovedRows}`
  const oldOfAccounts = sql`select ${accountAuditLog.accountId}, ${accountAuditLog.id} from ${accounts} cross join ${accountAuditLog}
    on ${accountAuditLog.accountId} = ${accounts.id} and ${accountAuditLog.id} < ${firstKept(ctx, accountDays)} limit ${auditRemovedRows}`
  const removed = await inSlices(() => ctx.db.delete(auditLog).where(sql`(${auditLog.organizationId}, ${auditLog.id}) in (${old})`))
  const removedOfAccounts = await inSlices(() =>
    ctx.db.delete(accountAuditLog).where(sql`(${accountAuditLog.accountId}, ${accountAuditLog.id}) in (${oldOfAccounts})`),
  )
  ctx.log.add({ audit_entries_removed: removed + removedOfAccounts })
}

/** What every id of a kept entry is above: a UUIDv7 begins with 48 bits of milliseconds. */
function firstKept(ctx: BaseCtx, days: SQL): SQL {
  const ms = sql`(${ctx.now()} - ${days} * ${dayMs})`
  return sql`format('%08x-%04x', ${ms} >> 16, ${ms} & 65535)`
}

async function inSlices(remove: () => PromiseLike<{ meta: { changes: number } }>): Promise<number> {
  let removed = 0
  for (let i = 0; i < auditRemovalsMax; i++) {
    const { changes } = (await remove()).meta
    removed += changes
    if (changes < auditRemovedRows) break
  }
  return removed
}
