import { and, eq, gt, sql } from 'drizzle-orm'
import { deletedKeptMs } from '../../core/limits.ts'
import { problem } from '../../core/problems.ts'
import { accountAuditEntry, auditPerson } from '../../db/audit.ts'
import type { AccountCtx } from '../../db/context.ts'
import { restoreDefaults } from '../../db/default_organization.ts'
import { accounts, organizations } from '../../db/schema.ts'
import { giveOwner } from '../organizations/give_owner.ts'
import { accountJson, noSuchAccount } from './json.ts'
import type { AccountJson } from './schema.ts'

/**
 * Brings a deleted account back with its organizations, those that were not deleted by themselves. Owners of these may have gone
 * meanwhile: an organization without one is given to an owner of the account.
 */
export async function restoreAccount(ctx: AccountCtx): Promise<AccountJson> {
  const { id, roles } = ctx.account
  const now = ctx.now()
  const own = eq(accounts.id, id)
  const keptSince = now - deletedKeptMs
  const restorable = and(own, gt(accounts.deletedAt, keptSince), hasOwner) ?? own
  const back = sql`${organizations.accountId} = ${id} and ${organizations.deletedAt} is null
    and exists (select 1 from ${accounts} where ${own} and ${accounts.deletedAt} is null)`
  const entry = { action: 'account.restore', target: { kind: 'account', id } }
  const [[before], , rows] = await ctx.db.batch([
    ctx.db.select({ deletedAt: accounts.deletedAt }).from(accounts).where(own),
    accountAuditEntry(ctx, entry, accounts, restorable),
    ctx.db.update(accounts).set({ deletedAt: null, updatedAt: now }).where(restorable).returning(),
    ...giveOwner(ctx, { ...auditPerson(ctx), id: ctx.user.id }, back),
    restoreDefaults(
      ctx,
      sql`select o.id from organizations o join accounts a on a.id = o.account_id and a.deleted_at is null
        where o.account_id = ${id} and o.deleted_at is null`,
    ),
  ])
  const row = rows[0]
  if (row) return accountJson(row, roles)
  if (before === undefined || (before.deletedAt ?? now) <= keptSince) throw noSuchAccount()
  if (before.deletedAt === null) throw problem('conflict', 'The account is not deleted.')
  throw problem('last_owner', 'All owners of the account are deleted. Restore one of them first.')
}

/** An account is never without an owner who can log in. */
const hasOwner = sql`exists (select 1 from account_memberships m join users u on u.id = m.user_id and u.deleted_at is null
  where m.account_id = ${accounts.id} and m.role = 'owner')`
