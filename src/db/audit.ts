import { sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import type { BaseCtx, TenantCtx } from './context.ts'
import { auditLog } from './schema.ts'
import type { TenantTable } from './tenant.ts'

export interface AuditEntry {
  /** `noun.verb`, for example `api_key.revoke`. */
  action: string
  target: { kind: string; id: string }
  details?: Record<string, unknown> | undefined
}

/** Who did it where; from a TenantCtx by `auditOf`, or named by a verb that makes the organization itself. */
export interface AuditOrigin {
  organizationId: string
  actor: { kind: 'user' | 'api_key' | 'system'; id: string | null }
}

/**
 * The audit entry of a write, to put into the same D1 batch BEFORE it: one entry for each row of `table` that `where`
 * finds, so with the write's own condition there is an entry exactly when the write takes effect.
 */
export function auditEntry(ctx: TenantCtx, entry: AuditEntry, table: TenantTable, where: SQL) {
  const { actor, tenant } = ctx
  const id = actor.kind === 'user' ? actor.userId : actor.keyId
  const origin: AuditOrigin = { organizationId: tenant.organizationId, actor: { kind: actor.kind, id } }
  return auditStatement(ctx, origin, entry, sql`from ${table} where ${where}`)
}

/** The same without a tenant context; `source` is what follows the selected values: `from ... where ...`. */
export function auditStatement(ctx: BaseCtx, { organizationId, actor }: AuditOrigin, entry: AuditEntry, source: SQL) {
  const { action, target } = entry
  return ctx.db.insert(auditLog).select(
    // In the order of the table's columns, as drizzle wants it.
    sql`select ${organizationId}, ${ctx.newId()}, ${actor.kind}, ${actor.id}, ${action}, ${target.kind}, ${target.id},
      ${JSON.stringify(entry.details ?? {})}, ${ctx.requestId}, ${ctx.clientAddress}, ${ctx.now()} ${source}`,
  )
}
