import { sql } from 'drizzle-orm'
import type * as z from 'zod'
import { nameCharsMax, verifyEmailTtlMs } from '../../core/limits.ts'
import type { BaseCtx } from '../../db/context.ts'
import { newMail, queueMails } from '../../db/mails.ts'
import { newOneTimeToken } from '../../db/one_time_tokens.ts'
import { createUserWithOrganization } from './create_user.ts'
import { hashPassword } from './password.ts'
import { requireGoodPassword } from './password_check.ts'
import type { registerSchema } from './schema.ts'
import { takePlaceQuietly } from './throttle.ts'

type Registration = z.output<typeof registerSchema>

/**
 * Makes a user with an organization. Known and unknown e-mails cost the same: one hash, three D1 batches, one mail, which
 * is where the difference is told, to the owner of the mailbox; beyond the limit of an e-mail, both do nothing.
 */
export async function register(ctx: BaseCtx, input: Registration): Promise<void> {
  await requireGoodPassword(ctx, input.password, { email: input.email, names: [input.name, input.organization_name] })
  if (!(await takePlaceQuietly(ctx, { kind: 'register', subject: input.email }))) return
  const names = defaultNames(input)
  const passwordHash = await hashPassword(input.password)
  const { created, known } = await createUserWithOrganization(ctx, { email: input.email, passwordHash, ...names })
  const userId = (created ?? known)?.userId ?? ''
  const verify = newOneTimeToken(ctx, 'verify_email', userId, verifyEmailTtlMs, created ? sql`where true` : sql`where false`)
  const to = { to: input.email, ownerId: userId }
  const mail = created ? newMail(ctx, 'welcome', to, { token: verify.token }) : newMail(ctx, 'registration_known', to, {})
  await ctx.db.batch([verify.statement, mail.statement])
  queueMails(ctx, [mail])
}

/** Names of what a registration creates, when the person gives none. */
function defaultNames({ email, name, organization_name }: Registration): { name: string; organizationName: string } {
  const person = name ?? email.slice(0, Math.min(email.indexOf('@'), nameCharsMax))
  const own = `${person}'s organization`
  return { name: person, organizationName: organization_name ?? (own.length <= nameCharsMax ? own : person) }
}
