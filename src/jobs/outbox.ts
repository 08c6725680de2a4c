import type { EmailJob } from '../core/jobs.ts'
import type { BaseCtx } from '../db/context.ts'
import { renderMail } from './mail_message.ts'
import type { MailText } from './mail_message.ts'

/**
 * The only transport of this version: the finished mail is put into R2, where an operator or a relay can take it.
 * Nothing is sent to anybody. The same message id writes the same object, so a repeated delivery leaves one.
 */
export async function deliver({ env, config }: BaseCtx, job: EmailJob, mail: MailText): Promise<void> {
  const domain = mailDomain(new URL(config.publicUrl).hostname)
  const message = renderMail({ from: `no-reply@${domain}`, to: job.to, messageId: `${job.id}@${domain}`, sentMs: job.sent_ms, ...mail })
  await env.STORAGE.put(outboxKey(job), message, { httpMetadata: { contentType: 'message/rfc822' } })
}

function outboxKey({ owner_id, id }: Pick<EmailJob, 'owner_id' | 'id'>): string {
  return `outbox/${owner_id}/${id}.eml`
}

/** An IP address stands in brackets in a mail address (RFC 5321, section 4.1.3). */
function mailDomain(host: string): string {
  if (host.startsWith('[')) return `[IPv6:${host.slice(1)}`
  return /^[\d.]+$/.test(host) ? `[${host}]` : host
}
