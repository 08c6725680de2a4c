import { eq } from 'drizzle-orm'
import { problem } from '../../core/problems.ts'
import type { UserCtx } from '../../db/context.ts'
import { users } from '../../db/schema.ts'
import { beginCheck } from './begin_check.ts'
import { failedLogin } from './failed_login.ts'
import { verifyPassword } from './password.ts'
import { markFailed } from './throttle.ts'
import type { Attempt } from './throttle.ts'

/**
 * Checks the password of the signed-in person, who types it again. A wrong one counts as a failed login and gets 401. The
 * attempt of a right one has to be released; `passwordHash` is what it was checked against.
 */
export async function provePassword(ctx: UserCtx, password: string): Promise<{ attempt: Attempt; passwordHash: string }> {
  const { user } = ctx
  const { attempt, rows } = await beginCheck(ctx, user.email, () =>
    ctx.db.select({ passwordHash: users.passwordHash }).from(users).where(eq(users.id, user.id)),
  )
  const [found] = rows
  const correct = await verifyPassword(password, found?.passwordHash)
  if (found && correct) return { attempt, passwordHash: found.passwordHash }
  await ctx.db.batch([failedLogin(ctx, user, 'password'), markFailed(ctx, attempt)])
  throw wrongPassword()
}

export function wrongPassword() {
  return problem('invalid_credentials', 'The password is wrong.')
}
