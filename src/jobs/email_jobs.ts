import { emailJobSchemas } from '../core/jobs.ts'
import type { EmailJob, EmailJobKind, EmailJobOf } from '../core/jobs.ts'
import type { BaseCtx } from '../db/context.ts'
import type { MailText } from './mail_message.ts'
import { deliver } from './outbox.ts'
import { registrationKnown } from './registration_known.ts'
import { registrationWelcome } from './registration_welcome.ts'

/** One writer for each kind of message. */
const writers: { readonly [K in EmailJobKind]: (job: EmailJobOf<K>, publicUrl: string) => MailText } = {
  registration_welcome: registrationWelcome,
  registration_known: registrationKnown,
}

/**
 * Handles a batch of `email-jobs`. Each message stands alone: one that fails, or that no schema takes, is retried and
 * ends in the dead-letter queue, where it can be looked at; the others are done.
 */
export async function consumeEmailJobs(ctx: BaseCtx, batch: MessageBatch): Promise<void> {
  for (const message of batch.messages) {
    try {
      const job = parseJob(message.body)
      await deliver(ctx, job, writeMail(job, job.kind, ctx.config.publicUrl))
      message.ack()
    } catch (error) {
      ctx.log.error('email job failed', error, { message_id: message.id, attempts: message.attempts })
      message.retry()
    }
  }
}

function writeMail<K extends EmailJobKind>(job: EmailJobOf<K>, kind: K, publicUrl: string): MailText {
  return writers[kind](job, publicUrl)
}

/** Throws on a message that no sender of ours can have made. */
function parseJob(body: unknown): EmailJob {
  const kind = typeof body === 'object' && body !== null && 'kind' in body ? body.kind : undefined
  if (typeof kind !== 'string' || !Object.hasOwn(emailJobSchemas, kind)) throw new Error(`unknown kind of email job: ${String(kind)}`)
  return emailJobSchemas[kind as EmailJobKind].parse(body)
}
