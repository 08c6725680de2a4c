import { and, asc, eq, isNull, sql } from 'drizzle-orm'
import { deletedKeptMs, ownersToldMax } from '../../core/limits.ts'
import { accountAuditEntry } from '../../db/audit.ts'
import type { AccountCtx } from '../../db/context.ts'
import { moveDefaults } from '../../db/default_organization.ts'
import { newMail, queueMails } from '../../db/mails.ts'
import { accountMemberships, accounts, organizations, users } from '../../db/schema.ts'
import { forgetKeysOf } from '../api-keys/cache.ts'
import { endTails } from '../tail/end_tails.ts'
import { noSuchAccount } from './json.ts'
import { liveAccount } from './live.ts'

/**
 * Hides the account and with it all its organizations, for `deletedKeptMs`; then the purge removes them. Its users can still
 * log in: owners to restore it, others for the organizations of other accounts that they are members of.
 */
export async function removeAccount(ctx: AccountCtx): Promise<void> {
  const { id } = ctx.account
  const now = ctx.now()
  const live = liveAccount(ctx)
  const mails = (await ownersOf(ctx)).map(({ email, name }) =>
    newMail(
      ctx,
      'organization_deleted',
      { to: email, ownerId: id },
      { thing: 'account', name, purge_at_ms: now + deletedKeptMs },
      sql`from ${accounts} where ${live}`,
    ),
  )
  const entry = { action: 'account.delete', target: { kind: 'account', id } }
  const [found, tenants] = await ctx.db.batch([
    ctx.db.select({ id: accounts.id }).from(accounts).where(live),
    ctx.db
      .select({ id: organizations.id })
      .from(organizations)
      .where(and(eq(organizations.accountId, id), isNull(organizations.deletedAt))),
    accountAuditEntry(ctx, entry, accounts, live),
    ...mails.map(({ statement }) => statement),
    moveDefaults(ctx, sql`select id from organizations where account_id = ${id}`),
    ctx.db.update(accounts).set({ deletedAt: now, updatedAt: now }).where(live),
  ])
  if (found.length === 0) throw noSuchAccount()
  forgetKeysOf({ accountId: id })
  queueMails(ctx, mails)
  for (const tenant of tenants) ctx.waitUntil(endTails(ctx, tenant.id, { kind: 'organization', id: tenant.id }))
}

function ownersOf(ctx: AccountCtx) {
  return ctx.db
    .select({ email: users.email, name: accounts.name })
    .from(accountMemberships)
    .innerJoin(users, and(eq(users.id, accountMemberships.userId), isNull(users.deletedAt)))
    .innerJoin(accounts, eq(accounts.id, accountMemberships.accountId))
    .where(and(eq(accountMemberships.accountId, ctx.account.id), eq(accountMemberships.role, 'owner')))
    .orderBy(asc(accountMemberships.createdAt), asc(accountMemberships.userId))
    .limit(ownersToldMax)
}
