import { eq, sql } from 'drizzle-orm'
import type * as z from 'zod'
import { setPasswordTtlMs } from '../../core/limits.ts'
import { problem } from '../../core/problems.ts'
import { accountAuditStatement, auditPerson } from '../../db/audit.ts'
import type { UserCtx } from '../../db/context.ts'
import { newMail, queueMails } from '../../db/mails.ts'
import { newOneTimeToken } from '../../db/one_time_tokens.ts'
import { accountMemberships, accounts, users } from '../../db/schema.ts'
import { noPassword } from '../auth/password.ts'
import { accountJson } from './json.ts'
import type { AccountJson, createAccountSchema } from './schema.ts'

/** A new account with its owner, a new user who chooses a password by mail: there is no account without an owner. */
export async function createAccount(ctx: UserCtx, input: z.output<typeof createAccountSchema>): Promise<AccountJson> {
  const { name, owner_email: email, owner_name: ownerName } = input
  const [known] = await ctx.db.select({ id: users.id }).from(users).where(eq(users.email, email))
  if (known) throw emailTaken()
  const [id, userId] = [ctx.newId(), ctx.newId()]
  const now = ctx.now()
  const account = { id, name, createdAt: now, updatedAt: now }
  const user = { id: userId, accountId: id, email, name: ownerName, passwordHash: noPassword, createdAt: now, updatedAt: now }
  const token = newOneTimeToken(ctx, 'set_password', userId, setPasswordTtlMs)
  const mail = newMail(ctx, 'set_password', { to: email, ownerId: userId }, { token: token.token, account_name: name })
  const entry = { action: 'account.create', target: { kind: 'account', id }, details: { name, owner: userId } }
  const origin = { accountId: id, actor: auditPerson(ctx) }
  try {
    const [rows] = await ctx.db.batch([
      ctx.db.insert(accounts).values(account).returning(),
      ctx.db.insert(users).values(user),
      ctx.db.insert(accountMemberships).values({ userId, accountId: id, role: 'owner', createdAt: now }),
      token.statement,
      mail.statement,
      accountAuditStatement(ctx, origin, entry, sql`where true`),
      accountAuditStatement(ctx, origin, { action: 'user.create', target: { kind: 'user', id: userId } }, sql`where true`),
    ])
    queueMails(ctx, [mail])
    const row = rows[0]
    if (!row) throw new Error('the new account was not stored')
    return accountJson(row, ['staff'])
  } catch (error) {
    // The same e-mail came from elsewhere at the same time.
    if (isEmailTaken(error)) throw emailTaken()
    throw error
  }
}

function isEmailTaken(error: unknown): boolean {
  for (let at: unknown = error; at instanceof Error; at = at.cause)
    if (at.message.includes('UNIQUE constraint failed: users.email')) return true
  return false
}

function emailTaken() {
  return problem('conflict', 'There is a user with this e-mail already.')
}
