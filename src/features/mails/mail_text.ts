/** A file of R2 that goes with a mail. */
export interface MailAttachment {
  filename: string
  contentType: string
  /** Where it lies in R2. */
  key: string
  bytes: number
}

/**
 * What a mail says, twice: as text and as a whole HTML document, both with the same facts. The subject is one line and may hold
 * any Unicode but control characters; so may the parts.
 */
export interface MailText {
  subject: string
  text: string
  html: string
  attachments?: readonly MailAttachment[]
}

/** Where a mail goes and which deployment it speaks for. */
export interface MailPlace {
  to: string
  publicUrl: string
  /** For mails that one can do without: where they are turned off. */
  unsubscribeUrl: string | null
}
