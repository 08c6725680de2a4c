import { sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import type { Actor, BaseCtx, TenantCtx } from './context.ts'
import { auditLog } from './schema.ts'
import type { TenantTable } from './tenant.ts'

export interface AuditEntry {
  /** `noun.verb`, for example `api_key.revoke`. */
  action: string
  target: { kind: string; id: string }
  details?: Record<string, unknown> | undefined
}

/** Who did it where; from a TenantCtx by `auditOrigin`, or named by a verb that makes the organization itself. */
export interface AuditOrigin {
  organizationId: string
  actor: { kind: 'user' | 'api_key' | 'system'; id: string | null }
}

/**
 * The audit entry of a write, to put into the same D1 batch BEFORE it: one entry for each row of `table` that `where`
 * finds, so with the write's own condition there is an entry exactly when the write takes effect.
 */
export function auditEntry(ctx: TenantCtx, entry: AuditEntry, table: TenantTable, where: SQL) {
  return auditStatement(ctx, auditOrigin(ctx), entry, sql`from ${table} where ${where}`)
}

export function auditOrigin({ actor, tenant }: TenantCtx): AuditOrigin {
  return { organizationId: tenant.organizationId, actor: { kind: actor.kind, id: actorId(actor) } }
}

/** Id of the user or API key; null for a job. */
export function actorId(actor: Actor): string | null {
  switch (actor.kind) {
    case 'user':
      return actor.userId
    case 'api_key':
      return actor.keyId
    case 'system':
      return null
  }
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
