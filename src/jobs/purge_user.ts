import { and, eq, getTableColumns, lte, or, sql } from 'drizzle-orm'
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core'
import { accountAuditStatement } from '../db/audit.ts'
import type { BaseCtx } from '../db/context.ts'
import { columnsNamingPerson, nobodyId, tablesOfPerson } from '../db/purge_tables.ts'
import { accounts, memberships, users } from '../db/schema.ts'
import { accountAuditLog } from '../db/schema_audit.ts'
import { alertNotifications } from '../db/schema_alerts.ts'
import { mails, savedFilters } from '../db/schema_content.ts'
import { invitations, preRegistrations } from '../db/schema_identity.ts'
import { noPassword } from '../features/auth/password.ts'
import { ownAccount } from '../features/users/own_account.ts'
import { forgetAddress } from './purge_addresses.ts'
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

/** Mails to the person, about whatever, what became of those of alerts, and what else lies in the person's outbox. */
async function purgeMails(ctx: BaseCtx, { id, email }: DueUser): Promise<StepEnd> {
  const ends = [
    await removeMails(ctx, or(eq(mails.recipient, email), eq(mails.ownerId, id)) ?? sql`false`),
    await removePrefix(ctx, `outbox/${id}/`),
    endOf([await deleteSome(ctx, alertNotifications, eq(alertNotifications.recipient, email))]),
  ]
  return ends.includes('more') ? 'more' : 'done'
}

/** Logins, devices and changes of the profile: what audit logs tell of the person, also of an account that the person left. */
async function purgeEntries(ctx: BaseCtx, { id }: DueUser): Promise<StepEnd> {
  // The kind stands there as it stands in the index, else SQLite reads the whole table.
  const where = sql`${accountAuditLog.targetId} = ${id} and ${accountAuditLog.targetKind} = 'user'`
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
    ...forgetAddress(ctx, email),
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
async function moveOut(ctx: BaseCtx, user: DueUser): Promise<StepEnd> {
  const own = and(eq(users.id, user.id), eq(users.accountId, user.accountId)) ?? sql`false`
  const { before, move } = ownAccount(ctx, user, { actor: system, source: sql`from ${users} where ${own}` })
  await ctx.db.batch([...before, move(own)])
  return 'done'
}
