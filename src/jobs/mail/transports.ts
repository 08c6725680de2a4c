import type { MailSettings } from '../../core/mail_settings.ts'
import type { Transport } from './outgoing.ts'
import { sendByCloudflare } from './transport_cloudflare.ts'
import { sendToOutbox } from './transport_outbox.ts'
import { sendgridTransport } from './transport_sendgrid.ts'
import { smtpTransport } from './transport_smtp.ts'

/** How this deployment sends mails. */
export function transportOf(settings: MailSettings): Transport {
  switch (settings.transport) {
    case 'outbox':
      return sendToOutbox
    case 'smtp':
      return smtpTransport(settings.smtp)
    case 'sendgrid':
      return sendgridTransport(settings.sendgrid)
    case 'cloudflare':
      return sendByCloudflare
  }
}
