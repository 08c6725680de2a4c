import { and, eq, getTableColumns, lte, or, sql } from 'drizzle-orm'
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core'
import { accountAuditStatement } from '../db/audit.ts'
import type { BaseCtx } from '../db/context.ts'
import { columnsNamingPerson, nobodyId, tablesOfPerson } from '../db/purge_tables.ts'
import { accountMemberships, accounts, memberships, users } from '../db/schema.ts'
import { accountAuditLog } from '../db/schema_audit.ts'
import { mails, savedFilters } from '../db/schema_content.ts'
import { invitations, preRegistrations } from '../db/schema_identity.ts'
import { noPassword } from '../features/auth/password.ts'
import { deleteSome, endOf, purgeBeforeMs, removeMails, removePrefix } from './purge_step.ts'
import type { StepEnd } from './purge_step.ts'

interface DueUser {
  id: string
  accountId: string
  email: string
  name: string
  /** Deleted by itself, and not only with its account. */
  isDeleted: boolean
  isMember: boolean
}

const system = { kind: 'system', id: null } as const

/**
 * Removes a user who was deleted long ago, or whose account was, with all that is known of the person. What others need names
 * nobody from then on. Who only lost the account and is a member elsewhere stays, in an account of the own.
 */
export async function purgeUser(ctx: BaseCtx, id: string): Promise<StepEnd> {
  const user = await findDue(ctx, id)
  if (user === undefined) return 'done'
  if (!user.isDeleted && user.isMember) return moveOut(ctx, user)
  for (const step of [purgeMails, purgeEntries, purgePerson]) if ((await step(ctx, user)) === 'more') return 'more'
  return 'done'
}

async function findDue(ctx: BaseCtx, id: string): Promise<DueUser | undefined> {
  if (id === nobodyId) return undefined
  const before = purgeBeforeMs(ctx)
  const [row] = await ctx.db
    .select({
      id: users.id,
      accountId: users.accountId,
      email: users.email,
      name: users.name,
      isDeleted: sql<number>`coalesce(${users.deletedAt} <= ${before}, false)`.as('is_deleted'),
      isMember: sql<number>`exists (select 1 from ${memberships} where ${memberships.userId} = ${users.id})`.as('is_member'),
    })
    .from(users)
    .innerJoin(accounts, eq(accounts.id, users.accountId))
    .where(and(eq(users.id, id), or(lte(users.deletedAt, before), lte(accounts.deletedAt, before))))
  return row && { ...row, isDeleted: row.isDeleted === 1, isMember: row.isMember === 1 }
}

/** Mails to the person, about whatever, and what else lies in the person's outbox. */
async function purgeMails(ctx: BaseCtx, { id, email }: DueUser): Promise<StepEnd> {
  const ends = [
    await removeMails(ctx, or(eq(mails.recipient, email), eq(mails.ownerId, id)) ?? sql`false`),
    await removePrefix(ctx, `outbox/${id}/`),
  ]
  return ends.includes('more') ? 'more' : 'done'
}

/** Logins, devices and changes of the profile: what the account's audit log tells of the person. */
async function purgeEntries(ctx: BaseCtx, { id, accountId }: DueUser): Promise<StepEnd> {
  const where = and(eq(accountAuditLog.accountId, accountId), eq(accountAuditLog.targetId, id)) ?? sql`false`
  return endOf([await deleteSome(ctx, accountAuditLog, where)])
}

async function purgePerson(ctx: BaseCtx, { id, accountId, email }: DueUser): Promise<StepEnd> {
  const entry = { action: 'user.purge', target: { kind: 'user', id } }
  const own = eq(users.id, id)
  await ctx.db.batch([
    ctx.db.insert(accounts).values({ id: nobodyId, name: 'Nobody', createdAt: 0, updatedAt: 0, deletedAt: 0 }).onConflictDoNothing(),
    ctx.db
      .insert(users)
      .values({
        id: nobodyId,
        accountId: nobodyId,
        // No address, so that nobody can register with it.
        email: 'nobody',
        name: 'Nobody',
        passwordHash: noPassword,
        createdAt: 0,
        updatedAt: 0,
        deletedAt: 0,
      })
      .onConflictDoNothing(),
    ctx.db.delete(savedFilters).where(and(eq(savedFilters.userId, id), eq(savedFilters.shared, false))),
    ctx.db.delete(invitations).where(or(eq(invitations.acceptedBy, id), eq(invitations.email, email))),
    ...columnsNamingPerson.map(({ table, column }) =>
      ctx.db
        .update(table)
        .set({ [column]: nobodyId })
        .where(eq(columnOf(table, column), id)),
    ),
    ...tablesOfPerson.map((table) => ctx.db.delete(table).where(eq(table.userId, id))),
    ctx.db.delete(preRegistrations).where(eq(preRegistrations.email, email)),
    accountAuditStatement(ctx, { accountId, actor: system }, entry, sql`from ${users} where ${own}`),
    ctx.db.delete(users).where(own),
  ])
  return 'done'
}

function columnOf(table: (typeof columnsNamingPerson)[number]['table'], name: string): SQLiteColumn {
  const column = (getTableColumns(table) as Record<string, SQLiteColumn>)[name]
  if (column === undefined) throw new Error(`no column ${name}`)
  return column
}

/** Each statement asks for the user in the old account, so that a repeat makes no second one. */
async function moveOut(ctx: BaseCtx, { id, accountId, name }: DueUser): Promise<StepEnd> {
  const newId = ctx.newId()
  const now = ctx.now()
  const own = and(eq(users.id, id), eq(users.accountId, accountId)) ?? sql`false`
  const source = sql`from ${users} where ${own}`
  const entry = { action: 'account.create', target: { kind: 'account', id: newId }, details: { moved_user: id, from_account: accountId } }
  await ctx.db.batch([
    // In the order of the tables' columns, as drizzle wants it.
    ctx.db.insert(accounts).select(sql`select ${newId}, ${name}, ${now}, ${now}, null ${source}`),
    ctx.db.insert(accountMemberships).select(sql`select ${id}, ${newId}, 'owner', ${now} ${source}`),
    accountAuditStatement(ctx, { accountId: newId, actor: system }, entry, source),
    ctx.db.delete(accountMemberships).where(and(eq(accountMemberships.userId, id), eq(accountMemberships.accountId, accountId))),
    ctx.db.update(users).set({ accountId: newId, updatedAt: now }).where(own),
  ])
  return 'done'
}
