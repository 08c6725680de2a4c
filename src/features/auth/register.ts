import type * as z from 'zod'
import type { EmailJob } from '../../core/jobs.ts'
import { nameCharsMax } from '../../core/limits.ts'
import type { BaseCtx } from '../../db/context.ts'
import { createUserWithOrganization } from './create_user.ts'
import { hashPassword } from './password.ts'
import { takeRegistration } from './register_throttle.ts'
import type { registerSchema } from './schema.ts'

type Registration = z.output<typeof registerSchema>

/**
 * Makes a user with an organization. Known and unknown e-mails cost the same: one hash, two D1 batches, one mail, which
 * is where the difference is told, to the owner of the mailbox; beyond the limit of an e-mail, both do nothing.
 */
export async function register(ctx: BaseCtx, input: Registration): Promise<void> {
  if (!(await takeRegistration(ctx, input.email))) return
  const names = defaultNames(input)
  const passwordHash = await hashPassword(input.password)
  const { created, known } = await createUserWithOrganization(ctx, { email: input.email, passwordHash, ...names })
  const envelope = { id: ctx.newId(), sent_ms: ctx.now(), to: input.email }
  const job: EmailJob | undefined = created
    ? { kind: 'registration_welcome', ...envelope, owner_id: created.organizationId }
    : known && { kind: 'registration_known', ...envelope, owner_id: known.organizationId ?? known.accountId }
  if (!job) throw new Error('the user is neither new nor known')
  // The user exists by now: a queue in trouble must not turn this into a failure that tells the two cases apart.
  await ctx.env.EMAIL_JOBS.send(job).catch((error: unknown) =>
    ctx.log.error('mail was not queued', error, { job_id: job.id, kind: job.kind }),
  )
}

/** Names of what a registration creates, when the person gives none. */
function defaultNames({ email, name, organization_name }: Registration): { name: string; organizationName: string } {
  const person = name ?? email.slice(0, Math.min(email.indexOf('@'), nameCharsMax))
  const own = `${person}'s organization`
  return { name: person, organizationName: organization_name ?? (own.length <= nameCharsMax ? own : person) }
}
