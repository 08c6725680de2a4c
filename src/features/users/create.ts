import { and, eq, isNull, sql } from 'drizzle-orm'
import type * as z from 'zod'
import { setPasswordTtlMs } from '../../core/limits.ts'
import { problem } from '../../core/problems.ts'
import { accountFull, hasRoomForUser } from '../../db/account_room.ts'
import { personMayInAccount } from '../../db/actor_may.ts'
import { accountAuditStatement, auditPerson } from '../../db/audit.ts'
import type { AccountCtx } from '../../db/context.ts'
import { newMail, queueMails } from '../../db/mails.ts'
import { newOneTimeToken } from '../../db/one_time_tokens.ts'
import { accounts, users } from '../../db/schema.ts'
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
}

/**
 * A user of the account without a password, and the mail in which one is chosen. A member of organizations the user becomes by
 * invitation only: so nobody is one without agreeing, and roles are given in one place. An e-mail that somebody has is refused
 * (409): who has one is invited, not made.
 */
export async function createUser(
  ctx: AccountCtx,
  input: z.output<typeof createUserSchema>,
  { account_id }: z.output<typeof createUserQuery>,
): Promise<UserJson> {
  const accountId = wantedAccount(ctx, account_id)
  const accountName = await findAccount(ctx, accountId)
  await auditReach(ctx, accountId, 'users.create')
  // First, so that who has no places left takes none of the mailbox's.
  await takePlace(ctx, { kind: 'user_creation', subject: ctx.user.id })
  await takePlace(ctx, { kind: 'invitation', subject: input.email, source: accountId })
  const { email, name } = input
  const id = ctx.newId()
  if (!(await insertUser(ctx, { id, accountId, email, name }, accountName))) throw await refusal(ctx, email, accountId)
  return userJson(await findUser(ctx, id))
}

/** The account's name. Throws 404 for one that is not there. */
async function findAccount(ctx: AccountCtx, accountId: string): Promise<string> {
  const [account] = await ctx.db
    .select({ name: accounts.name })
    .from(accounts)
    .where(and(eq(accounts.id, accountId), isNull(accounts.deletedAt)))
  if (!account) throw problem('not_found', 'There is no such account.')
  return account.name
}

/** False when somebody has the e-mail, the account is full or gone, or the caller's role in it was taken meanwhile. */
async function insertUser(ctx: AccountCtx, user: NewUser, accountName: string): Promise<boolean> {
  const { id, accountId, email, name } = user
  const now = ctx.now()
  const actor = auditPerson(ctx)
  const target = { kind: 'user', id }
  const free = sql`where not exists (select 1 from ${users} where ${users.email} = ${email})
    and ${hasRoomForUser(accountId)}
    and exists (select 1 from ${accounts} where ${and(eq(accounts.id, accountId), isNull(accounts.deletedAt))})
    and ${personMayInAccount('users:write', { userId: ctx.user.id, accountId })}`
  const made = sql`from ${users} where ${users.id} = ${id}`
  const token = newOneTimeToken(ctx, 'set_password', id, setPasswordTtlMs, made)
  const mail = newMail(ctx, 'set_password', { to: email, ownerId: id }, { token: token.token, account_name: accountName }, made)
  const [rows] = await ctx.db.batch([
    ctx.db
      .insert(users)
      .select(
        // In the order of the table's columns, as drizzle wants it.
        sql`select ${id}, ${accountId}, ${email}, ${name}, ${noPassword}, 0, null, ${now}, ${now}, null,
          null, null, false, null, null, null, null, null, null, '{}' ${free}`,
      )
      .returning({ id: users.id }),
    accountAuditStatement(ctx, { accountId, actor }, { action: 'user.create', target, details: { email, name } }, made),
    token.statement,
    mail.statement,
  ])
  if (rows.length === 0) return false
  queueMails(ctx, [mail])
  return true
}

/** Why no user was made. */
async function refusal(ctx: AccountCtx, email: string, accountId: string) {
  const [[holder], [room]] = await ctx.db.batch([
    ctx.db.select({ id: users.id }).from(users).where(eq(users.email, email)),
    ctx.db
      .select({ id: accounts.id })
      .from(accounts)
      .where(and(eq(accounts.id, accountId), hasRoomForUser(accountId))),
  ])
  if (holder) return problem('conflict', 'Somebody has this e-mail address already. Invite them to an organization instead.')
  if (!room) return accountFull()
  return problem('not_found', 'The account was deleted meanwhile, or your role in it was taken.')
}
