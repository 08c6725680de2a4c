import { and, eq, gt, isNull, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import { accountActingRolesOf, actingRolesOf } from '../../core/permissions.ts'
import { problem } from '../../core/problems.ts'
import type { BaseCtx, VerifiedSession, WantedTenant } from '../../db/context.ts'
import { logSettingsColumns, logSettingsOf } from '../../db/log_settings.ts'
import { accountMemberships, accounts, memberships, organizations, sessions, users } from '../../db/schema.ts'
import { accessTokenType, invalidToken, verifyJwt } from './jwt.ts'

interface Claims {
  userId: string
  sessionId: string
  tokenVersion: number
}

/**
 * What an access token proves, in one D1 round trip: the session, its user and token version, and what the user is in the
 * wanted organization or account. Throws 401, or 404 when a tenant is asked for that is not there for this user.
 * `beforeLookup` may throw to keep the question from D1.
 */
export async function verifySession(ctx: BaseCtx, token: string, wanted: WantedTenant, beforeLookup: () => void): Promise<VerifiedSession> {
  const { sub, sid, ver } = await verifyJwt(ctx, accessTokenType, token, ['sub', 'sid', 'ver'])
  if (typeof sub !== 'string' || typeof sid !== 'string' || typeof ver !== 'number') throw invalidToken()
  beforeLookup()
  const claims = { userId: sub, sessionId: sid, tokenVersion: ver }
  return wanted.kind === 'account' ? inAccount(ctx, claims, wanted) : inOrganization(ctx, claims, wanted)
}

const proofColumns = {
  userId: users.id,
  email: users.email,
  userAccountId: users.accountId,
  isStaff: users.isStaff,
  sessionId: sessions.id,
  passwordProvedMs: sessions.passwordProvedAt,
  secondFactorAt: sessions.secondFactorAt,
}

async function inOrganization(ctx: BaseCtx, claims: Claims, wanted: Exclude<WantedTenant, { kind: 'account' }>): Promise<VerifiedSession> {
  const id = wanted.kind === 'none' ? undefined : wanted.id
  const deleted = wanted.kind === 'organization' && wanted.deleted === true
  const active = id === undefined ? users.defaultOrganizationId : sql`${id}`
  const [row] = await ctx.db
    .select({
      ...proofColumns,
      role: memberships.role,
      accountRole: accountMemberships.role,
      accountId: accounts.id,
      organization: { id: organizations.id, requireSecondFactor: organizations.requireSecondFactor },
      settings: logSettingsColumns,
    })
    .from(sessions)
    .innerJoin(users, ownerOfSession)
    .leftJoin(organizations, and(eq(organizations.id, active), deleted ? undefined : isNull(organizations.deletedAt)))
    .leftJoin(accounts, and(eq(accounts.id, organizations.accountId), isNull(accounts.deletedAt)))
    .leftJoin(memberships, and(eq(memberships.userId, users.id), eq(memberships.organizationId, organizations.id)))
    .leftJoin(accountMemberships, and(eq(accountMemberships.userId, users.id), eq(accountMemberships.accountId, accounts.id)))
    .where(liveSession(ctx, claims))
  if (!row) throw sessionOver()
  const proof = proofOf(row)
  const { organization, accountId, settings } = row
  const roles = actingRolesOf(row)
  if (organization !== null && accountId !== null && settings !== null && roles.length > 0) {
    const tenant = { organizationId: organization.id, accountId, logSettings: logSettingsOf(settings) }
    return { ...proof, organization: { ...tenant, roles, requireSecondFactor: organization.requireSecondFactor }, account: null }
  }
  if (id !== undefined) throw problem('not_found', 'There is no such organization.')
  return { ...proof, organization: null, account: null }
}

async function inAccount(
  ctx: BaseCtx,
  claims: Claims,
  { id, deleted }: Extract<WantedTenant, { kind: 'account' }>,
): Promise<VerifiedSession> {
  const [row] = await ctx.db
    .select({ ...proofColumns, role: accountMemberships.role, accountId: accounts.id, requireSecondFactor })
    .from(sessions)
    .innerJoin(users, ownerOfSession)
    .leftJoin(
      accounts,
      and(eq(accounts.id, id === undefined ? users.accountId : sql`${id}`), deleted === true ? undefined : isNull(accounts.deletedAt)),
    )
    .leftJoin(accountMemberships, and(eq(accountMemberships.userId, users.id), eq(accountMemberships.accountId, accounts.id)))
    .where(liveSession(ctx, claims))
  if (!row) throw sessionOver()
  const roles = accountActingRolesOf(row)
  // Users know their own account; of any other they learn nothing.
  if (row.accountId === null || (roles.length === 0 && row.accountId !== row.userAccountId))
    throw problem('not_found', 'There is no such account.')
  return { ...proofOf(row), organization: null, account: { id: row.accountId, roles, requireSecondFactor: row.requireSecondFactor === 1 } }
}

/**
 * Whether an organization of the account wants a second factor: who manages the account reaches into it. Deleted ones do not
 * count; those that went with the account do, as they come back with it.
 */
const requireSecondFactor = sql<number>`exists (
  select 1 from organizations o where o.account_id = ${accounts.id} and o.deleted_at is null and o.require_second_factor
)`.as('account_requires_second_factor')

const ownerOfSession = and(eq(users.id, sessions.userId), eq(users.tokenVersion, sessions.tokenVersion), isNull(users.deletedAt))

function liveSession(ctx: BaseCtx, { userId, sessionId, tokenVersion }: Claims): SQL | undefined {
  return and(
    eq(sessions.id, sessionId),
    eq(sessions.userId, userId),
    eq(sessions.tokenVersion, tokenVersion),
    isNull(sessions.revokedAt),
    gt(sessions.expiresAt, ctx.now()),
  )
}

function proofOf(row: {
  userId: string
  email: string
  userAccountId: string
  isStaff: boolean
  sessionId: string
  passwordProvedMs: number
  secondFactorAt: number | null
}): Pick<VerifiedSession, 'user' | 'session'> {
  const { userId, email, userAccountId, isStaff, sessionId, passwordProvedMs, secondFactorAt } = row
  return {
    user: { id: userId, email, accountId: userAccountId, isStaff },
    session: { id: sessionId, passwordProvedMs, secondFactor: secondFactorAt !== null },
  }
}

function sessionOver() {
  return problem('invalid_token', 'The session is over. Log in again.')
}
