import { and, eq, gt, isNull, sql } from 'drizzle-orm'
import { problem } from '../../core/problems.ts'
import type { BaseCtx, VerifiedSession } from '../../db/context.ts'
import { logSettingsColumns, logSettingsOf } from '../../db/log_settings.ts'
import { accounts, memberships, organizations, sessions, users } from '../../db/schema.ts'
import { accessTokenType, invalidToken, verifyJwt } from './jwt.ts'

/**
 * What an access token proves, in one D1 round trip: the session, its user and token version, and the role in `organizationId` (or the
 * default organization). Throws 401, or 404 when an organization is asked for that is not there for this user. `beforeLookup`
 * may throw to keep the question from D1.
 */
export async function verifySession(
  ctx: BaseCtx,
  token: string,
  organizationId: string | undefined,
  beforeLookup: () => void,
): Promise<VerifiedSession> {
  const { sub, sid, ver } = await verifyJwt(ctx, accessTokenType, token, ['sub', 'sid', 'ver'])
  if (typeof sub !== 'string' || typeof sid !== 'string' || typeof ver !== 'number') throw invalidToken()
  beforeLookup()
  const active = organizationId === undefined ? users.defaultOrganizationId : sql`${organizationId}`
  const [row] = await ctx.db
    .select({
      email: users.email,
      role: memberships.role,
      organizationId: organizations.id,
      accountId: accounts.id,
      settings: logSettingsColumns,
    })
    .from(sessions)
    .innerJoin(users, and(eq(users.id, sessions.userId), eq(users.tokenVersion, sessions.tokenVersion), isNull(users.deletedAt)))
    .leftJoin(memberships, and(eq(memberships.userId, users.id), eq(memberships.organizationId, active)))
    .leftJoin(organizations, and(eq(organizations.id, memberships.organizationId), isNull(organizations.deletedAt)))
    .leftJoin(accounts, and(eq(accounts.id, organizations.accountId), isNull(accounts.deletedAt)))
    .where(
      and(
        eq(sessions.id, sid),
        eq(sessions.userId, sub),
        eq(sessions.tokenVersion, ver),
        isNull(sessions.revokedAt),
        gt(sessions.expiresAt, ctx.now()),
      ),
    )
  if (!row) throw problem('invalid_token', 'The session is over. Log in again.')
  const user = { id: sub, email: row.email }
  const { role, accountId, settings } = row
  if (role !== null && row.organizationId !== null && accountId !== null && settings !== null) {
    return {
      user,
      sessionId: sid,
      membership: { organizationId: row.organizationId, accountId, role, logSettings: logSettingsOf(settings) },
    }
  }
  if (organizationId !== undefined) throw problem('not_found', 'There is no such organization.')
  return { user, sessionId: sid, membership: null }
}
