import { and, count, eq, isNull, sql } from 'drizzle-orm'
import type * as z from 'zod'
import { setPasswordTtlMs, usersPerAccountMax } from '../../core/limits.ts'
import type { Role } from '../../core/permissions.ts'
import { problem } from '../../core/problems.ts'
import { accountAuditStatement, auditPerson, auditStatement } from '../../db/audit.ts'
import type { AccountCtx } from '../../db/context.ts'
import { newMail, queueMails } from '../../db/mails.ts'
import { newOneTimeToken } from '../../db/one_time_tokens.ts'
import { accounts, memberships, organizations, users } from '../../db/schema.ts'
import { noPassword } from '../auth/password.ts'
import { takePlace } from '../auth/throttle.ts'
import { wantedAccount } from './account.ts'
import type { createUserQuery, createUserSchema, UserJson } from './schema.ts'
import { auditReach, findUser, userJson } from './user.ts'

interface NewUser {
  readonly id: string
  readonly accountId: string
  readonly email: string
  readonly name: string
  readonly organizationId: string | null
  readonly role: Role
}

/**
 * A user of the account without a password, and the mail in which one is chosen. With an organization the user is a member
 * there at once. An e-mail that somebody has is refused (409): who has one is invited, not made.
 */
export async function createUser(
  ctx: AccountCtx,
  input: z.output<typeof createUserSchema>,
  { account_id }: z.output<typeof createUserQuery>,
): Promise<UserJson> {
  const accountId = wantedAccount(ctx, account_id)
  const accountName = await findPlace(ctx, accountId, input.organization_id)
  await auditReach(ctx, accountId, 'users.create')
  await takePlace(ctx, { kind: 'invitation', subject: input.email, source: accountId })
  const { email, name, organization_id: organizationId = null, role = 'member' } = input
  const id = ctx.newId()
  const made = await insertUser(ctx, { id, accountId, email, name, organizationId, role }, accountName)
  if (!made) throw await refusal(ctx, email, accountId)
  return userJson(await findUser(ctx, id))
}

/** Throws 404 for an account, or an organization of it, that is not there; answers the account's name. */
async function findPlace(ctx: AccountCtx, accountId: string, organizationId: string | undefined): Promise<string> {
  const [[account], [organization]] = await ctx.db.batch([
    ctx.db
      .select({ name: accounts.name })
      .from(accounts)
      .where(and(eq(accounts.id, accountId), isNull(accounts.deletedAt))),
    ctx.db
      .select({ id: organizations.id })
      .from(organizations)
      .where(isOfAccount(organizationId ?? null, accountId)),
  ])
  if (!account) throw problem('not_found', 'There is no such account.')
  if (organizationId !== undefined && !organization) throw problem('not_found', 'There is no such organization in the account.')
  return account.name
}

function isOfAccount(organizationId: string | null, accountId: string) {
  return and(sql`${organizations.id} = ${organizationId}`, eq(organizations.accountId, accountId), isNull(organizations.deletedAt))
}

/** False when somebody has the e-mail, the account is full, or the place is gone. */
async function insertUser(ctx: AccountCtx, user: NewUser, accountName: string): Promise<boolean> {
  const { id, accountId, email, name, organizationId, role } = user
  const now = ctx.now()
  const actor = auditPerson(ctx)
  const target = { kind: 'user', id }
  const present = ctx.db.select({ count: count() }).from(users).where(eq(users.accountId, accountId))
  const free = sql`where not exists (select 1 from ${users} where ${users.email} = ${email})
    and (${present}) < ${usersPerAccountMax}
    and exists (select 1 from ${accounts} where ${and(eq(accounts.id, accountId), isNull(accounts.deletedAt))})
    and (${organizationId} is null or exists (select 1 from ${organizations} where ${isOfAccount(organizationId, accountId)}))`
  const made = sql`from ${users} where ${users.id} = ${id}`
  const token = newOneTimeToken(ctx, 'set_password', id, setPasswordTtlMs, made)
  const mail = newMail(ctx, 'set_password', { to: email, ownerId: id }, { token: token.token, account_name: accountName }, made)
  const joins = organizationId === null ? [] : joining(ctx, { id, organizationId, role }, made)
  const [rows] = await ctx.db.batch([
    ctx.db
      .insert(users)
      .select(
        // In the order of the table's columns, as drizzle wants it.
        sql`select ${id}, ${accountId}, ${email}, ${name}, ${noPassword}, 0, ${organizationId}, ${now}, ${now}, null,
          null, null, false, null, null, null, null, null, null, '{}' ${free}`,
      )
      .returning({ id: users.id }),
    accountAuditStatement(ctx, { accountId, actor }, { action: 'user.create', target, details: { email, name } }, made),
    ...joins,
    token.statement,
    mail.statement,
  ])
  if (rows.length === 0) return false
  queueMails(ctx, [mail])
  return true
}

function joining(
  ctx: AccountCtx,
  { id, organizationId, role }: { id: string; organizationId: string; role: Role },
  made: ReturnType<typeof sql>,
) {
  const entry = { action: 'membership.create', target: { kind: 'user', id }, details: { role } }
  return [
    ctx.db.insert(memberships).select(sql`select ${id}, ${organizationId}, ${role}, ${ctx.now()} ${made}`),
    auditStatement(ctx, { organizationId, actor: auditPerson(ctx) }, entry, made),
  ] as const
}

/** Why no user was made. */
async function refusal(ctx: AccountCtx, email: string, accountId: string) {
  const [[holder], [present]] = await ctx.db.batch([
    ctx.db.select({ id: users.id }).from(users).where(eq(users.email, email)),
    ctx.db.select({ count: count() }).from(users).where(eq(users.accountId, accountId)),
  ])
  if (holder) return problem('conflict', 'Somebody has this e-mail address already. Invite them to an organization instead.')
  if ((present?.count ?? 0) >= usersPerAccountMax)
    return problem('conflict', `An account can have at most ${usersPerAccountMax} users. Delete some first.`)
  return problem('not_found', 'The account or the organization was deleted meanwhile.')
}
