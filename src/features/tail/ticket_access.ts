import { and, eq, gt, inArray, isNotNull, isNull, or, sql } from 'drizzle-orm'
import { roleHas, roles } from '../../core/permissions.ts'
import type { BaseCtx } from '../../db/context.ts'
import { logSettingsColumns } from '../../db/log_settings.ts'
import { accounts, apiKeys, memberships, organizations, sessions, users } from '../../db/schema.ts'
import { inTenant } from '../../db/tenant.ts'
import type { TicketClaims } from './schema.ts'

/** Who manages the account, and staff, read no logs: a role in the organization is what counts. */
const readers = roles.filter((role) => roleHas(role, 'logs:read'))

const { version, retentionDays } = logSettingsColumns

/**
 * A statement that finds whether whoever got the ticket may still read logs: one row with the end of the session or key
 * (milliseconds since 1970; null for none) and with how long the organization keeps them, or no row.
 */
export function findTicketAccess(ctx: BaseCtx, claims: TicketClaims) {
  const keyId = holderId(claims, 'api_key')
  return keyId === undefined ? findSession(ctx, claims) : findKey(ctx, claims, keyId)
}

function findKey(ctx: BaseCtx, { organization_id: organizationId }: TicketClaims, id: string) {
  const alive = and(isNull(apiKeys.revokedAt), or(isNull(apiKeys.expiresAt), gt(apiKeys.expiresAt, ctx.now())))
  const mayRead = sql`exists (select 1 from json_each(${apiKeys.scopes}) where value = 'logs:read')`
  // No ticket tells which value of a rotated key asked for it, so all of them end with the grace of the old one.
  const graceEnd = sql`case when ${apiKeys.previousEndsAt} > ${ctx.now()} then ${apiKeys.previousEndsAt} end`
  const endsMs = sql<number | null>`coalesce(min(${apiKeys.expiresAt}, ${graceEnd}), ${apiKeys.expiresAt}, ${graceEnd})`
  return ctx.db
    .select({ endsMs, version, retentionDays })
    .from(apiKeys)
    .innerJoin(organizations, and(eq(organizations.id, apiKeys.organizationId), isNull(organizations.deletedAt)))
    .innerJoin(accounts, and(eq(accounts.id, organizations.accountId), isNull(accounts.deletedAt)))
    .where(inTenant({ tenant: { organizationId } }, apiKeys, eq(apiKeys.id, id), alive, mayRead))
}

function findSession(ctx: BaseCtx, claims: TicketClaims) {
  const organizationId = claims.organization_id
  const sessionId = holderId(claims, 'session') ?? ''
  const membership = inTenant({ tenant: { organizationId } }, memberships, inArray(memberships.role, readers))
  const factor = or(eq(organizations.requireSecondFactor, false), isNotNull(sessions.secondFactorAt))
  return ctx.db
    .select({ endsMs: sessions.expiresAt, version, retentionDays })
    .from(sessions)
    .innerJoin(users, and(eq(users.id, sessions.userId), eq(users.tokenVersion, sessions.tokenVersion), isNull(users.deletedAt)))
    .innerJoin(memberships, and(eq(memberships.userId, users.id), membership))
    .innerJoin(organizations, and(eq(organizations.id, memberships.organizationId), isNull(organizations.deletedAt)))
    .innerJoin(accounts, and(eq(accounts.id, organizations.accountId), isNull(accounts.deletedAt)))
    .where(and(eq(sessions.id, sessionId), isNull(sessions.revokedAt), gt(sessions.expiresAt, ctx.now()), factor))
}

function holderId({ holders }: TicketClaims, kind: string): string | undefined {
  const prefix = `${kind}:`
  return holders.find((holder) => holder.startsWith(prefix))?.slice(prefix.length)
}
