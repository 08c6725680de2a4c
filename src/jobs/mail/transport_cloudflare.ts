import { EmailMessage } from 'cloudflare:email'
import { cloudflareError } from './cloudflare_error.ts'
import { MailError } from './mail_error.ts'
import { renderMail } from './mime.ts'
import type { Transport } from './outgoing.ts'

/** Hands the finished mail to the `send_email` binding EMAIL. */
export const sendByCloudflare: Transport = async ({ env }, mail) => {
  const raw = await renderMail(mail)
  if (env.EMAIL === undefined) throw new MailError('no_binding', 'the binding EMAIL is not there', { permanent: false, isSetup: true })
  try {
    await env.EMAIL.send(new EmailMessage(mail.from.address, mail.to, raw))
  } catch (error) {
    throw cloudflareError(error)
  }
}
