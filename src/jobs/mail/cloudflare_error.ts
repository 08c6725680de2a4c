import { MailError } from './mail_error.ts'

/** The mail is refused as it is. Codes of https://developers.cloudflare.com/email-service/api/send-emails/workers-api/ */
const ofTheMail: ReadonlySet<string> = new Set(['E_VALIDATION_ERROR', 'E_FIELD_MISSING', 'E_CONTENT_TOO_LARGE', 'E_RECIPIENT_SUPPRESSED'])
/** What somebody has to set up first; until then every mail is refused. */
const ofTheSetup: ReadonlySet<string> = new Set(['E_SENDER_NOT_VERIFIED', 'E_SENDER_DOMAIN_NOT_AVAILABLE', 'E_RECIPIENT_NOT_ALLOWED'])

/** What an error of the `send_email` binding means. What it does not know may be better later, limits above all. */
export function cloudflareError(error: unknown): MailError {
  const detail = error instanceof Error ? error.message : String(error)
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'cloudflare'
  return new MailError(code, detail, { permanent: ofTheMail.has(code), isSetup: ofTheSetup.has(code), cause: error })
}
