import { outboxKey } from '../../core/mails.ts'
import { renderMail } from './mime.ts'
import type { Transport } from './outgoing.ts'

/**
 * Puts the finished mail into R2, where a developer reads it at /dev/outbox, or an operator or a relay takes it. Nothing is sent to
 * anybody. The same mail writes the same object, so a repeated delivery leaves one.
 */
export const sendToOutbox: Transport = async ({ env }, mail) => {
  await env.STORAGE.put(outboxKey(mail), await renderMail(mail), { httpMetadata: { contentType: 'message/rfc822' } })
}
