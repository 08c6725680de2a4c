import { and, eq, gt, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import { failedCodeMailEveryMs } from '../../core/limits.ts'
import type { BaseCtx } from '../../db/context.ts'
import { newMail } from '../../db/mails.ts'
import type { NewMail } from '../../db/mails.ts'
import { mails } from '../../db/schema_content.ts'

/**
 * Tells that somebody who knows the password typed a wrong code, where `condition` holds: the throttle slows guesses down, and
 * the person has days to change the password. Not again within a day.
 */
export function failedCodeMail(ctx: BaseCtx, user: { id: string; email: string }, condition: SQL = sql`true`): NewMail {
  const told = and(
    eq(mails.recipient, user.email),
    eq(mails.kind, 'second_factor_failed'),
    gt(mails.createdAt, ctx.now() - failedCodeMailEveryMs),
  )
  const source = sql`where ${condition} and not exists (select 1 from ${mails} where ${told})`
  return newMail(ctx, 'second_factor_failed', { to: user.email, ownerId: user.id }, { at_ms: ctx.now() }, source)
}
