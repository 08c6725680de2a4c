import { and, eq, isNull, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import { deletedKeptMs } from '../../core/limits.ts'
import { accountAuditStatement, auditStatement, changesOf } from '../../db/audit.ts'
import type { AuditActor } from '../../db/audit.ts'
import type { BaseCtx } from '../../db/context.ts'
import { newMail, queueMails } from '../../db/mails.ts'
import { accounts, organizations, users } from '../../db/schema.ts'
import { emailChanges, invitations, oneTimeTokens } from '../../db/schema_identity.ts'
import { forgetKeysOf } from '../api-keys/cache.ts'
import { noPassword } from '../auth/password.ts'
import { endTails, endTailsOfPerson } from '../tail/end_tails.ts'
import { loneAccounts, loneOrganizations, mustStay } from './ownership.ts'
import type { Along } from './ownership.ts'
import type { UserRow } from './profile.ts'

/** Who is to be deleted, with what goes along. */
export interface Deletion {
  readonly user: Pick<UserRow, 'id' | 'email' | 'accountId' | 'isStaff'>
  readonly along: Along
  /** For who never chose a password, and so never agreed to be a user: the e-mail is free again at once. */
  readonly freesEmail?: boolean
  /** What else must hold. */
  readonly condition?: SQL | undefined
  /** Whom the audit log names. */
  readonly actor: AuditActor
}

/**
 * Hides a person for `deletedKeptMs`; then the purge removes all that is known of the person. Sessions end with this batch, and
 * so do tokens in mails, a change of e-mail and invitations that the person sent; live tails end behind the answer. False, and
 * nothing is changed, when the person is gone already, must stay, or chose the first password meanwhile.
 */
export async function deleteUser(ctx: BaseCtx, { user, along, freesEmail = false, condition, actor }: Deletion): Promise<boolean> {
  const now = ctx.now()
  const unclaimed = freesEmail ? eq(users.passwordHash, noPassword) : undefined
  const may = and(eq(users.id, user.id), isNull(users.deletedAt), unclaimed, condition, sql`not ${mustStay(user.id, along)}`) ?? sql`false`
  const goes = sql`exists (select 1 from ${users} where ${may})`
  const mail = newMail(
    ctx,
    'user_deleted',
    { to: user.email, ownerId: user.id },
    { purge_at_ms: now + deletedKeptMs },
    sql`from ${users} where ${may}`,
  )
  const changes = user.isStaff ? changesOf({ is_staff: true }, { is_staff: false }) : undefined
  const entry = { action: 'user.delete', target: { kind: 'user', id: user.id }, details: freesEmail ? { email_freed: true } : {}, changes }
  // An account's administrator may restore the person, and must not make staff by it.
  const gone = { deletedAt: now, updatedAt: now, tokenVersion: sql`${users.tokenVersion} + 1`, isStaff: false }
  // `may` holds until the last statement: what goes along is no reason to stay, deleted or not.
  const results = await ctx.db.batch([
    accountAuditStatement(ctx, { accountId: user.accountId, actor }, entry, sql`from ${users} where ${may}`),
    // Who never agreed to be a user is told nothing.
    ...(freesEmail ? [] : [mail.statement]),
    ...deleteAlong(ctx, { userId: user.id, along, goes, now, actor }),
    ctx.db.delete(emailChanges).where(and(eq(emailChanges.userId, user.id), goes)),
    ctx.db
      .update(oneTimeTokens)
      .set({ usedAt: now })
      .where(and(eq(oneTimeTokens.userId, user.id), isNull(oneTimeTokens.usedAt), goes)),
    ctx.db
      .update(invitations)
      .set({ revokedAt: now, updatedAt: now })
      .where(and(eq(invitations.invitedBy, user.id), isNull(invitations.acceptedAt), isNull(invitations.revokedAt), goes)),
    ctx.db
      .update(users)
      .set({ ...(freesEmail && { email: freedEmail(user.id) }), ...gone })
      .where(may)
      .returning({ id: users.id }),
  ])
  const rows = results.at(-1) as { id: string }[]
  if (rows.length === 0) return false
  if (!freesEmail) queueMails(ctx, [mail])
  ctx.waitUntil(endTailsOfPerson(ctx, user.id))
  for (const id of along.organizationIds) {
    forgetKeysOf({ organizationId: id })
    ctx.waitUntil(endTails(ctx, id, { kind: 'organization', id }))
  }
  for (const accountId of along.accountIds) forgetKeysOf({ accountId })
  return true
}

/** No address, so that nobody can have it; the row waits under it for the purge. */
function freedEmail(userId: string): string {
  return `freed ${userId}`
}

/** Organizations and accounts that nobody else is in get the same time of deletion as the person, to come back with the person. */
function deleteAlong(
  ctx: BaseCtx,
  {
    userId,
    along: { organizationIds, accountIds },
    goes,
    now,
    actor,
  }: Pick<Deletion, 'along' | 'actor'> & { userId: string; goes: SQL; now: number },
) {
  const details = { with_user: userId }
  const entryOf = (kind: 'organization' | 'account', id: string) => ({ action: `${kind}.delete`, target: { kind, id }, details })
  const loneOnes = sql`${loneOrganizations(userId, organizationIds)} and ${goes}`
  const loneTenants = sql`${loneAccounts(userId, accountIds)} and ${goes}`
  return [
    // Organizations first: those of a deleted account count as deleted already.
    ...organizationIds.map((id) => {
      const source = sql`from ${organizations} where ${organizations.id} = ${id} and ${loneOnes}`
      return auditStatement(ctx, { organizationId: id, actor }, entryOf('organization', id), source)
    }),
    ctx.db.update(organizations).set({ deletedAt: now, updatedAt: now }).where(loneOnes),
    ...accountIds.map((id) => {
      const source = sql`from ${accounts} where ${accounts.id} = ${id} and ${loneTenants}`
      return accountAuditStatement(ctx, { accountId: id, actor }, entryOf('account', id), source)
    }),
    ctx.db.update(accounts).set({ deletedAt: now, updatedAt: now }).where(loneTenants),
  ] as const
}
