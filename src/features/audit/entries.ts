import { and, desc, eq, gte, lt, sql } from 'drizzle-orm'
import type { SQL, SQLWrapper } from 'drizzle-orm'
import { uuidv7Bound } from '../../core/ids.ts'
import type { BaseCtx } from '../../db/context.ts'
import { apiKeys, users } from '../../db/schema.ts'
import type { accountAuditLog, auditLog } from '../../db/schema_audit.ts'
import type { AuditEntryJson, AuditFilters } from './schema.ts'

/** Whose entries: the log, the condition that names the tenant, and the organization whose keys may have acted. */
export interface AuditSource {
  log: typeof auditLog | typeof accountAuditLog
  own: SQL
  organizationId: string | null
  /** The entries of which the reader may see where, and in which session, the actor was. */
  placeShown(entry: { actorKind: SQLWrapper; actorId: SQLWrapper }): SQL
}

/** A tenant sees where its people were, and not where the deployment's staff was; staff's own account sees that too. */
export function placesSeenBy(accountId: string): AuditSource['placeShown'] {
  return () => sql`(${users.isStaff} is not true or ${users.accountId} = ${accountId})`
}

/** A person sees where strangers were who tried to log in, which have no name, and not where other people were. */
export function placesSeenByPerson(userId: string): AuditSource['placeShown'] {
  return ({ actorKind, actorId }) => sql`(${actorKind} <> 'user' or ${actorId} = ${userId})`
}

/** The newest entries of a source, at most `rowsMax`, within the times and older than the cursor: what a page looks at. */
export interface AuditWindow extends Pick<AuditFilters, 'from' | 'to'> {
  cursor?: string | undefined
  rowsMax: number
}

/**
 * Entries are found by the primary key alone, newest first: ids are UUIDv7, so times are bounds of ids. Further filters
 * look at the rows of the window, which bounds what a search for something rare reads.
 */
function windowOf(ctx: BaseCtx, { log, own }: AuditSource, { from, to, cursor, rowsMax }: AuditWindow) {
  // Both logs have these columns.
  const { id, actorKind, actorId, action, targetKind, targetId, details, requestId, clientAddress, createdAt, sessionId, changes } =
    log as typeof auditLog
  const columns = { id, actorKind, actorId, action, targetKind, targetId, details, requestId, clientAddress, createdAt, sessionId, changes }
  return ctx.db
    .select(columns)
    .from(log as typeof auditLog)
    .where(
      and(
        own,
        cursor === undefined ? undefined : lt(id, cursor),
        from === undefined ? undefined : gte(id, uuidv7Bound(Date.parse(from))),
        to === undefined ? undefined : lt(id, uuidv7Bound(Date.parse(to))),
      ),
    )
    .orderBy(desc(id))
    .limit(rowsMax)
    .as('entries')
}

type Window = ReturnType<typeof windowOf>

function matching(entries: Window, { actor, action, target_kind: kind, target }: AuditFilters): SQL | undefined {
  const noun = action?.endsWith('.*') === true ? action.slice(0, -1) : undefined
  return and(
    actor === undefined ? undefined : eq(entries.actorId, actor),
    action === undefined
      ? undefined
      : noun === undefined
        ? eq(entries.action, action)
        : sql`substr(${entries.action}, 1, ${noun.length}) = ${noun}`,
    kind === undefined ? undefined : eq(entries.targetKind, kind),
    target === undefined ? undefined : eq(entries.targetId, target),
  )
}

/** How many entries a window has, how many of them match, and the id of the oldest. */
export function countEntries(ctx: BaseCtx, source: AuditSource, window: AuditWindow, filters: AuditFilters) {
  const entries = windowOf(ctx, source, window)
  const matched = sql<number>`count(*) filter (where ${matching(entries, filters) ?? sql`true`})`
  return ctx.db.select({ matched, examined: sql<number>`count(*)`, oldest: sql<string | null>`min(${entries.id})` }).from(entries)
}

/** Matching entries of a window, newest first, with the names of who acted. */
export function readEntries(
  ctx: BaseCtx,
  source: AuditSource,
  window: AuditWindow,
  filters: AuditFilters,
  { limit, offset }: { limit: number; offset: number },
) {
  const entries = windowOf(ctx, source, window)
  const isKey = and(
    eq(entries.actorKind, 'api_key'),
    sql`${apiKeys.organizationId} is ${source.organizationId}`,
    eq(apiKeys.id, entries.actorId),
  )
  const placeShown = source.placeShown(entries)
  return ctx.db
    .select({
      id: entries.id,
      actorKind: entries.actorKind,
      actorId: entries.actorId,
      action: entries.action,
      targetKind: entries.targetKind,
      targetId: entries.targetId,
      details: entries.details,
      requestId: entries.requestId,
      clientAddress: sql<string | null>`case when ${placeShown} then ${entries.clientAddress} end`,
      createdAt: entries.createdAt,
      sessionId: sql<string | null>`case when ${placeShown} then ${entries.sessionId} end`,
      changes: entries.changes,
      actorName: sql<string | null>`coalesce(${users.name}, ${apiKeys.name})`,
      // The mailboxes of the deployment's staff are nobody's business.
      actorEmail: sql<string | null>`case when ${users.isStaff} then null else ${users.email} end`,
    })
    .from(entries)
    .leftJoin(users, and(eq(entries.actorKind, 'user'), eq(users.id, entries.actorId)))
    .leftJoin(apiKeys, isKey)
    .where(matching(entries, filters))
    .orderBy(desc(entries.id))
    .limit(limit)
    .offset(offset)
}

/** An entry as the API shows it. */
export function auditEntryJson(row: Awaited<ReturnType<typeof readEntries>>[number]): AuditEntryJson {
  const { id, actorKind, actorId, actorName, actorEmail, action, targetKind, targetId } = row
  return {
    id,
    created_at: new Date(row.createdAt).toISOString(),
    action,
    actor: { kind: actorKind, id: actorId, name: actorName, email: actorEmail },
    session_id: row.sessionId,
    target: { kind: targetKind, id: targetId },
    details: row.details,
    changes: row.changes,
    client_address: row.clientAddress,
    request_id: row.requestId,
  }
}
