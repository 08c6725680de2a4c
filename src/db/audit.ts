import { sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import type { SQLiteTable } from 'drizzle-orm/sqlite-core'
import { boundEntry } from './audit_bound.ts'
import type { AccountCtx, Actor, BaseCtx, TenantCtx, UserCtx, VerifiedSession } from './context.ts'
import { accountAuditLog, auditLog } from './schema_audit.ts'

export interface AuditEntry {
  /** `noun.verb`, for example `api_key.revoke`. */
  action: string
  target: { kind: string; id: string | SQL }
  details?: Record<string, unknown> | undefined
  /** Changed fields with their values before and after (`changesOf`); never a secret. */
  changes?: AuditChanges | SQL | undefined
}

export type AuditChanges = Record<string, { before: unknown; after: unknown }>

export interface AuditActor {
  kind: Actor['kind']
  id: string | null
  sessionId?: string | undefined
}

/** Who did it where; from a TenantCtx by `auditOrigin`, or named by a verb that makes the organization itself. */
export interface AuditOrigin {
  organizationId: string
  actor: AuditActor
}

/**
 * The audit entry of a write, to put into the same D1 batch BEFORE it: one entry for each row of `table` that `where`
 * finds, so with the write's own condition there is an entry exactly when the write takes effect.
 */
export function auditEntry(ctx: TenantCtx, entry: AuditEntry, table: SQLiteTable, where: SQL) {
  return auditStatement(ctx, auditOrigin(ctx), entry, sql`from ${table} where ${where}`)
}

export function auditOrigin({ actor, tenant }: TenantCtx): AuditOrigin {
  const sessionId = actor.kind === 'user' ? actor.sessionId : undefined
  return { organizationId: tenant.organizationId, actor: { kind: actor.kind, id: actorId(actor), sessionId } }
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

/** A signed-in person as the actor of an entry. */
export function auditPerson({ user, sessionId }: Pick<UserCtx, 'user' | 'sessionId'>): AuditActor {
  return { kind: 'user', id: user.id, sessionId }
}

/**
 * The same as `auditEntry` without a tenant context; `source` is what follows the selected values: `from ... where ...`. It may
 * find rows of several organizations, each for an entry in its own log: then the organization, and the target, are columns.
 */
export function auditStatement(
  ctx: BaseCtx,
  { organizationId, actor }: { organizationId: string | SQL; actor: AuditActor },
  entry: AuditEntry,
  source: SQL,
) {
  return ctx.db.insert(auditLog).select(sql`select ${organizationId}, ${entryValues(ctx, actor, entry)} ${source}`)
}

/** An entry in the log of the caller's account, for each row that `where` finds. */
export function accountAuditEntry(ctx: AccountCtx, entry: AuditEntry, table: SQLiteTable, where: SQL) {
  return accountAuditStatement(ctx, { accountId: ctx.account.id, actor: auditPerson(ctx) }, entry, sql`from ${table} where ${where}`)
}

/** An entry in an account's log: what happens to its users (logins, passwords) and to itself. */
export function accountAuditStatement(
  ctx: BaseCtx,
  { accountId, actor }: { accountId: string; actor: AuditActor },
  entry: AuditEntry,
  source: SQL,
) {
  return ctx.db.insert(accountAuditLog).select(sql`select ${accountId}, ${entryValues(ctx, actor, entry)} ${source}`)
}

/** Fields of `after` that differ from `before`. */
export function changesOf(before: Readonly<Record<string, unknown>>, after: Readonly<Record<string, unknown>>): AuditChanges {
  const changed = Object.keys(after).filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]))
  return Object.fromEntries(changed.map((name) => [name, { before: before[name] ?? null, after: after[name] ?? null }]))
}

/** Records that staff used the right of staff; in the log of the tenant concerned, or of the staff's own account. */
export async function auditStaffAct(
  base: BaseCtx,
  { user, session, organization, account }: Omit<VerifiedSession, 'account'> & { account: AccountCtx['account'] | null },
  route: string,
): Promise<void> {
  const actor = { kind: 'user', id: user.id, sessionId: session.id } as const
  const details = { route }
  const target = organization
    ? { kind: 'organization', id: organization.organizationId }
    : { kind: 'account', id: account?.id ?? user.accountId }
  const entry = { action: 'staff.act', target, details }
  const always = sql`where true`
  await (organization
    ? auditStatement(base, { organizationId: organization.organizationId, actor }, entry, always)
    : accountAuditStatement(base, { accountId: target.id, actor }, entry, always))
}

/** In the order of the tables' columns, as drizzle wants it. */
function entryValues(ctx: BaseCtx, actor: AuditActor, { action, target, details = {}, changes }: AuditEntry): SQL {
  const known = changes !== undefined && isSql(changes) ? undefined : changes
  const bound = boundEntry({ details, changes: known })
  const changed = changes === undefined ? null : known === undefined ? changes : JSON.stringify(bound.changes)
  return sql`${ctx.newId()}, ${actor.kind}, ${actor.id}, ${action}, ${target.kind}, ${target.id}, ${JSON.stringify(bound.details)},
    ${ctx.requestId}, ${ctx.clientAddress}, ${ctx.now()}, ${actor.sessionId ?? null}, ${changed}`
}

function isSql(changes: AuditChanges | SQL): changes is SQL {
  return 'getSQL' in changes
}
