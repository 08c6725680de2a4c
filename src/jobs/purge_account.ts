import { and, asc, eq, lte, ne } from 'drizzle-orm'
import { purgeStartsMax, purgeUsersMax } from '../core/limits.ts'
import type { BaseCtx } from '../db/context.ts'
import { nobodyId, tablesOfAccount } from '../db/purge_tables.ts'
import { accountMemberships, accounts, organizations, users } from '../db/schema.ts'
import { mails } from '../db/schema_content.ts'
import { deleteSome, endOf, purgeBeforeMs, removeMails, removePrefix, sendPurge } from './purge_step.ts'
import type { StepEnd } from './purge_step.ts'
import { purgeUser } from './purge_user.ts'

/**
 * Removes an account that was deleted long ago: first its organizations, the last of which sends the next message, then its
 * users, then its own rows and mails.
 */
export async function purgeAccount(ctx: BaseCtx, id: string): Promise<void> {
  const due = and(eq(accounts.id, id), lte(accounts.deletedAt, purgeBeforeMs(ctx)), ne(accounts.id, nobodyId))
  const [account] = await ctx.db.select({ id: accounts.id }).from(accounts).where(due)
  if (account === undefined) return
  if (await startOrganizations(ctx, id)) return
  for (const step of [purgeUsers, purgeRows, purgeMails]) if ((await step(ctx, id)) === 'more') return sendPurge(ctx, 'account', id)
  await ctx.db.delete(accounts).where(eq(accounts.id, id))
  // No audit log is left that could say so.
  ctx.log.warn('an account was purged', { account_id: id })
}

/** Whether there are any. */
async function startOrganizations(ctx: BaseCtx, accountId: string): Promise<boolean> {
  const found = await ctx.db
    .select({ id: organizations.id })
    .from(organizations)
    .where(eq(organizations.accountId, accountId))
    .limit(purgeStartsMax)
  for (const { id } of found) await sendPurge(ctx, 'organization', id)
  return found.length > 0
}

async function purgeUsers(ctx: BaseCtx, accountId: string): Promise<StepEnd> {
  const found = await ctx.db
    .select({ id: users.id })
    .from(users)
    .where(eq(users.accountId, accountId))
    .orderBy(asc(users.id))
    .limit(purgeUsersMax)
  const ends: StepEnd[] = []
  for (const { id } of found) ends.push(await purgeUser(ctx, id))
  return found.length === purgeUsersMax || ends.includes('more') ? 'more' : 'done'
}

async function purgeRows(ctx: BaseCtx, accountId: string): Promise<StepEnd> {
  const tables = tablesOfAccount.filter((table) => table !== accountMemberships)
  const deleted = await ctx.db.batch([
    deleteSome(ctx, accountMemberships, eq(accountMemberships.accountId, accountId)),
    ...tables.map((table) => deleteSome(ctx, table, eq(table.accountId, accountId))),
  ])
  return endOf(deleted)
}

async function purgeMails(ctx: BaseCtx, accountId: string): Promise<StepEnd> {
  const ends = [await removeMails(ctx, eq(mails.ownerId, accountId)), await removePrefix(ctx, `outbox/${accountId}/`)]
  return ends.includes('more') ? 'more' : 'done'
}
