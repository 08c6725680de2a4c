import { and, eq, isNull, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import { accountAuditStatement, auditPerson, auditStatement } from '../../db/audit.ts'
import type { AccountCtx } from '../../db/context.ts'
import { moveDefaults } from '../../db/default_organization.ts'
import { newMail, queueMails } from '../../db/mails.ts'
import { accounts, memberships, organizations, users } from '../../db/schema.ts'
import { invitations, teamMemberships } from '../../db/schema_identity.ts'
import { endTails } from '../tail/end_tails.ts'
import { ownAccount } from './own_account.ts'
import { lastOwnerOf, lastOwnerOfAccount, lastOwnerOfOrganization } from './ownership.ts'
import type { UserRow } from './profile.ts'

/*
 * An account does not decide about people who are in organizations of others: deleted by it they could not log in there, and
 * nobody there could see or remove them.
 */

/** What the person has in the account. */
interface Inside {
  readonly accountName: string
  /** Organizations of the account that the person is a member of, also deleted ones. */
  readonly organizationIds: readonly string[]
}

/** Whether the user is in an organization of another account, as a condition. */
export function isMemberElsewhere(userId: string, accountId: string): SQL {
  return sql`exists (select 1 from memberships m join organizations o on o.id = m.organization_id
    where m.user_id = ${userId} and o.account_id <> ${accountId})`
}

/**
 * Moves a user who is a member elsewhere into an account of the own: the role in this account, memberships and teams of its
 * organizations, and invitations sent there end; sessions, and all that is elsewhere, go on. False, and nothing is changed, for
 * all others, and when something of it changed meanwhile. Throws 409 for the last owner of the account or of an organization of it.
 */
export async function moveOut(ctx: AccountCtx, user: UserRow, condition: SQL | undefined): Promise<boolean> {
  const { id, accountId } = user
  const inside = await findInside(ctx, user)
  if (inside === undefined) return false
  await refuseLastOwner(ctx, user)
  const { accountName, organizationIds } = inside
  const ids = sql`select value from json_each(${JSON.stringify(organizationIds)})`
  const may = and(condition, movable(user, ids)) ?? sql`false`
  const source = sql`from ${users} where ${may}`
  const goes = sql`exists (select 1 ${source})`
  const actor = auditPerson(ctx)
  const target = { kind: 'user', id }
  const mail = newMail(ctx, 'membership_removed', { to: user.email, ownerId: accountId }, { thing: 'account', name: accountName }, source)
  const own = ownAccount(ctx, user, { actor, source })
  const results = await ctx.db.batch([
    accountAuditStatement(ctx, { accountId, actor }, { action: 'user.move_out', target }, source),
    ...organizationIds.map((organizationId) => auditRemoval(ctx, { organizationId, userId: id }, goes)),
    mail.statement,
    ctx.db
      .delete(teamMemberships)
      .where(sql`${teamMemberships.userId} = ${id} and ${teamMemberships.organizationId} in (${ids}) and ${goes}`),
    ctx.db
      .update(invitations)
      .set({ revokedAt: ctx.now(), updatedAt: ctx.now() })
      .where(
        sql`${invitations.invitedBy} = ${id} and ${invitations.organizationId} in (${ids}) and ${invitations.acceptedAt} is null
          and ${invitations.revokedAt} is null and ${goes}`,
      ),
    moveDefaults(ctx, sql`${ids} where ${goes}`, sql`${id}`),
    ctx.db.delete(memberships).where(sql`${memberships.userId} = ${id} and ${memberships.organizationId} in (${ids}) and ${goes}`),
    ...own.before,
    own.move(may),
  ])
  const rows = results.at(-1) as { id: string }[]
  if (rows.length === 0) return false
  queueMails(ctx, [mail])
  for (const organizationId of organizationIds) ctx.waitUntil(endTails(ctx, organizationId, { kind: 'user', id }))
  return true
}

/** Undefined for who is in no organization elsewhere. */
async function findInside(ctx: AccountCtx, { id, accountId }: UserRow): Promise<Inside | undefined> {
  const [[account], joined] = await ctx.db.batch([
    ctx.db
      .select({ name: accounts.name })
      .from(accounts)
      .where(and(eq(accounts.id, accountId), isMemberElsewhere(id, accountId))),
    ctx.db
      .select({ id: organizations.id })
      .from(memberships)
      .innerJoin(organizations, and(eq(organizations.id, memberships.organizationId), eq(organizations.accountId, accountId)))
      .where(eq(memberships.userId, id)),
  ])
  return account && { accountName: account.name, organizationIds: joined.map((row) => row.id) }
}

/** The user, while everything is as it was found, and nothing of the account is left without an owner. */
function movable({ id, accountId }: UserRow, insideIds: SQL): SQL | undefined {
  return and(
    eq(users.id, id),
    eq(users.accountId, accountId),
    isNull(users.deletedAt),
    isMemberElsewhere(id, accountId),
    sql`not exists (select 1 from memberships m join organizations o on o.id = m.organization_id
      where m.user_id = ${id} and o.account_id = ${accountId} and o.id not in (${insideIds}))`,
    sql`not exists (select 1 from ${organizations} where ${lastOwnedOrganizations({ id, accountId })})`,
    sql`not exists (select 1 from ${accounts} where ${lastOwnedAccount({ id, accountId })})`,
  )
}

/** Names only what is of this account: what the person owns elsewhere is none of its business. */
async function refuseLastOwner(ctx: AccountCtx, user: UserRow): Promise<void> {
  const [ownOrganizations, ownAccounts] = await ctx.db.batch([
    ctx.db.select({ id: organizations.id, name: organizations.name }).from(organizations).where(lastOwnedOrganizations(user)),
    ctx.db.select({ id: accounts.id, name: accounts.name }).from(accounts).where(lastOwnedAccount(user)),
  ])
  if (ownOrganizations.length + ownAccounts.length > 0) throw lastOwnerOf({ organizations: ownOrganizations, accounts: ownAccounts })
}

type Home = Pick<UserRow, 'id' | 'accountId'>

function lastOwnedOrganizations({ id, accountId }: Home): SQL | undefined {
  return and(eq(organizations.accountId, accountId), lastOwnerOfOrganization(id))
}

function lastOwnedAccount({ id, accountId }: Home): SQL | undefined {
  return and(eq(accounts.id, accountId), lastOwnerOfAccount(id))
}

function auditRemoval(ctx: AccountCtx, { organizationId, userId }: { organizationId: string; userId: string }, goes: SQL) {
  const own = and(eq(memberships.userId, userId), eq(memberships.organizationId, organizationId), goes)
  const changes = sql`json_object('role', json_object('before', ${memberships.role}, 'after', null))`
  const entry = { action: 'membership.remove', target: { kind: 'user', id: userId }, changes }
  return auditStatement(ctx, { organizationId, actor: auditPerson(ctx) }, entry, sql`from ${memberships} where ${own}`)
}
