/**
 * Why a mail was not accepted. `permanent`: it never will be, as it is. `code` is a word for logs: one of this program, an SMTP
 * reply (`550`), an HTTP status, or what the runtime calls the failure (`ETIMEDOUT`).
 */
export class MailError extends Error {
  readonly permanent: boolean
  readonly code: string
  /** There is no such mailbox: the receiving side said so. */
  readonly bounced: boolean
  /** Everybody's mails fail for the same reason, say a wrong password: somebody has to act. */
  readonly isSetup: boolean

  constructor(
    code: string,
    detail: string,
    { permanent, bounced = false, isSetup = false, cause }: { permanent: boolean; bounced?: boolean; isSetup?: boolean; cause?: unknown },
  ) {
    super(detail, cause === undefined ? undefined : { cause })
    this.name = 'MailError'
    this.code = code
    this.permanent = permanent
    this.bounced = bounced
    this.isSetup = isSetup
  }
}

/** What cannot be made into a mail, however often it is tried. */
export function unmailable(detail: string): MailError {
  return new MailError('unmailable', detail, { permanent: true })
}
