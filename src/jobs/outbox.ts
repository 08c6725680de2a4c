import { outboxKey } from '../core/mails.ts'
import type { BaseCtx } from '../db/context.ts'
import { renderMail } from './mail_message.ts'
import type { MailText } from '../features/mails/mail_text.ts'

export interface Envelope {
  id: string
  /** Organization, account or user that the mail is about. */
  ownerId: string
  to: string
  writtenMs: number
}

/**
 * The only transport of this version: the finished mail is put into R2, where an operator or a relay can take it.
 * Nothing is sent to anybody. The same mail writes the same object, so a repeated delivery leaves one.
 */
export async function deliver(
  { env, config }: BaseCtx,
  { id, ownerId, to, writtenMs }: Envelope,
  { subject, text }: MailText,
): Promise<void> {
  const domain = mailDomain(new URL(config.publicUrl).hostname)
  const message = renderMail({ from: `no-reply@${domain}`, to, messageId: `${id}@${domain}`, sentMs: writtenMs, subject, text })
  await env.STORAGE.put(outboxKey({ ownerId, id }), message, { httpMetadata: { contentType: 'message/rfc822' } })
}

/** An IP address stands in brackets in a mail address (RFC 5321, section 4.1.3). */
function mailDomain(host: string): string {
  if (host.startsWith('[')) return `[IPv6:${host.slice(1)}`
  return /^[\d.]+$/.test(host) ? `[${host}]` : host
}
