import { MailError } from './mail_error.ts'

/** What nodemailer tells of a failure. */
export interface SmtpFailure {
  readonly message: string
  /** A word such as `EENVELOPE`; of the system, such as `ECONNREFUSED`. */
  readonly code?: string | undefined
  /** Of the reply; absent where there was none, or none that could be read. */
  readonly responseCode?: number | undefined
  readonly response?: string | undefined
  /** In answer to what: `CONN`, `EHLO`, `STARTTLS`, `AUTH PLAIN`, `MAIL FROM`, `RCPT TO`, `DATA`; `API` where nothing was sent. */
  readonly command?: string | undefined
}

/** Log in first, begin TLS first; the password is wrong, or too weak a way to say it: never about the mail (RFC 4954, section 6). */
const setupReplies: ReadonlySet<number> = new Set([530, 534, 535, 538])
/** The mail is larger than the server takes (RFC 1870), which it says of the announced size in answer to MAIL. */
const tooLarge = 552

/**
 * What a failure of SMTP means (RFC 5321, section 4.2.1): 5xx in answer to the recipient or the mail is for good; 4xx, silence and
 * broken connections are not. What is said before (greeting, EHLO, STARTTLS, AUTH, the sender) is about this server and these
 * settings, for all mails alike: they wait until somebody mends it.
 */
export function smtpError(failure: SmtpFailure): MailError {
  const { message, code = 'ESMTP', responseCode, response, command } = failure
  const isRefused = responseCode !== undefined && responseCode >= 500
  const isAboutMail =
    isRefused &&
    !setupReplies.has(responseCode) &&
    (command === 'RCPT TO' || command === 'DATA' || (command === 'MAIL FROM' && responseCode === tooLarge))
  // Nothing was sent, as what nodemailer was given is not for SMTP: too large for this server, or beyond ASCII where it takes only that.
  const isOurs = command === 'API' && code !== 'EAUTH' && code !== 'ECONNECTION'
  return new MailError(responseCode === undefined ? code : String(responseCode), detailOf(message, response), {
    permanent: isOurs || isAboutMail,
    bounced: isAboutMail && command === 'RCPT TO' && isMissingMailbox(response),
    isSetup: code === 'EAUTH' || code === 'ETLS' || (isRefused && !isAboutMail),
    cause: failure,
  })
}

/**
 * Whether a reply to RCPT says that there is no such mailbox: by an enhanced code of addresses (RFC 3463: 5.1.x), but for those of
 * the sender's. Without one 550 also stands for policy ("blocked by our list"), after which the address is still good.
 */
export function isMissingMailbox(response: string | undefined): boolean {
  return /^5\d\d[ -]5\.1\.(?:1|2|3|6|10)\b/.test(response ?? '')
}

function detailOf(message: string, response: string | undefined): string {
  return response === undefined || message.includes(response) ? message : `${message}: ${response}`
}
