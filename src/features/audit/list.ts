import { and, eq } from 'drizzle-orm'
import type * as z from 'zod'
import { auditWindowRowsMax } from '../../core/limits.ts'
import type { AccountCtx, BaseCtx, TenantCtx, UserCtx } from '../../db/context.ts'
import { accountAuditLog, auditLog } from '../../db/schema_audit.ts'
import { inTenant } from '../../db/tenant.ts'
import { auditEntryJson, countEntries, placesSeenBy, placesSeenByPerson, readEntries } from './entries.ts'
import type { AuditSource } from './entries.ts'
import type { AuditEntryJson, auditQuery, securityLogQuery } from './schema.ts'

export interface AuditPage {
  /** Matching entries among those that were looked at. */
  count: number
  countIsLowerBound: boolean
  results: AuditEntryJson[]
  /** When there are older entries than were looked at: the oldest of these. */
  olderThan: string | null
}

/** One page of what happened in the organization, newest first. */
export async function listAuditLog(ctx: TenantCtx, query: z.output<typeof auditQuery>): Promise<AuditPage> {
  return pageOf(ctx, organizationSource(ctx), query)
}

/** One page of what happened to the account and its users. */
export async function listAccountAuditLog(ctx: AccountCtx, query: z.output<typeof auditQuery>): Promise<AuditPage> {
  const { id } = ctx.account
  const source = { log: accountAuditLog, own: eq(accountAuditLog.accountId, id), organizationId: null, placeShown: placesSeenBy(id) }
  return pageOf(ctx, source, query)
}

/** One page of what happened to the caller: logins, passwords, second factors. Where others were when they acted is theirs. */
export async function listSecurityLog(ctx: UserCtx, query: z.output<typeof securityLogQuery>): Promise<AuditPage> {
  const { id, accountId } = ctx.user
  const own = and(eq(accountAuditLog.accountId, accountId), eq(accountAuditLog.targetId, id)) ?? eq(accountAuditLog.targetId, id)
  return pageOf(ctx, { log: accountAuditLog, own, organizationId: null, placeShown: placesSeenByPerson(id) }, query)
}

export function organizationSource(ctx: TenantCtx): AuditSource {
  const { organizationId, accountId } = ctx.tenant
  return { log: auditLog, own: inTenant(ctx, auditLog), organizationId, placeShown: placesSeenBy(accountId) }
}

async function pageOf(ctx: BaseCtx, source: AuditSource, query: z.output<typeof auditQuery>): Promise<AuditPage> {
  const { page, page_size: pageSize, from, to, cursor, ...filters } = query
  const window = { from, to, cursor, rowsMax: auditWindowRowsMax }
  const [[counted], rows] = await ctx.db.batch([
    countEntries(ctx, source, window, filters),
    readEntries(ctx, source, window, filters, { limit: pageSize, offset: (page - 1) * pageSize }),
  ])
  const { matched, examined, oldest } = counted ?? { matched: 0, examined: 0, oldest: null }
  const more = examined === auditWindowRowsMax
  return { count: matched, countIsLowerBound: more, results: rows.map(auditEntryJson), olderThan: more ? oldest : null }
}
