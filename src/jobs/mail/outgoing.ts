import { mailFileNameCharsMax, mailHeaderCharsMax } from '../../core/limits.ts'
import type { BaseCtx } from '../../db/context.ts'
import { unmailable } from './mail_error.ts'

export interface MailAddress {
  readonly name: string
  readonly address: string
}

export interface OutgoingFile {
  readonly filename: string
  readonly contentType: string
  readonly content: Uint8Array
}

/** A mail with all that a transport needs: made of the same row twice it is the same twice. */
export interface OutgoingMail {
  readonly id: string
  /** Organization, account or user that it is about. */
  readonly ownerId: string
  readonly from: MailAddress
  readonly to: string
  /** With its angle brackets. */
  readonly messageId: string
  readonly writtenMs: number
  readonly subject: string
  readonly text: string
  readonly html: string
  readonly files: readonly OutgoingFile[]
  /** Where it is turned off, of a mail that one can do without. */
  readonly unsubscribeUrl: string | null
}

/** Hands a mail over; it counts as sent once this resolves. Throws a MailError, or whatever else may be better later. */
export type Transport = (ctx: BaseCtx, mail: OutgoingMail) => Promise<void>

/** Headers beyond those that every mail has. */
export function extraHeaders({ unsubscribeUrl }: OutgoingMail): Record<string, string> {
  return {
    // Nobody's out-of-office note should answer (RFC 3834).
    'Auto-Submitted': 'auto-generated',
    ...(unsubscribeUrl !== null && {
      // One click of the mail program, without a page in between (RFC 8058).
      'List-Unsubscribe': `<${unsubscribeUrl}>`,
      'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
    }),
  }
}

/** Controls, and the two separators that some programs take for line ends. */
const unprintable = /[\p{Cc}\u2028\u2029]/u
/** Local part and host of RFC 5321 as `emailSchema` lets them pass, and addresses at an IP address. */
const addressPattern = /^[\x21-\x3b\x3d\x3f\x41-\x7e]+@([a-z0-9.-]+|\[[0-9a-f.:]+\]|\[IPv6:[0-9a-f:.]+\])$/i
const messageIdPattern = /^<[\x21-\x3b\x3d\x3f-\x7e]+>$/
const urlPattern = /^https?:\/\/[\x21-\x3b\x3d\x3f-\x7e]+$/
const typePattern = /^[a-z]+\/[\w.+-]+(; ?charset=[\w-]+)?$/i

/**
 * Refuses what would end a header or begin another one. The libraries below drop or fold such characters, which makes another mail
 * of it than was meant; here it is a mistake of ours, or somebody's try.
 */
export function refuseInjection(mail: OutgoingMail): void {
  line('the subject', mail.subject)
  line('the name of the sender', mail.from.name)
  for (const [what, address] of [
    ['the sender', mail.from.address],
    ['the recipient', mail.to],
  ] as const)
    matching(what, address, addressPattern)
  matching('the Message-ID', mail.messageId, messageIdPattern)
  if (mail.unsubscribeUrl !== null) matching('the address to unsubscribe', mail.unsubscribeUrl, urlPattern)
  for (const { filename, contentType } of mail.files) {
    line('the name of a file', filename, mailFileNameCharsMax)
    matching('the type of a file', contentType, typePattern)
  }
}

function line(what: string, value: string, charsMax = mailHeaderCharsMax): void {
  if (value === '' || value.length > charsMax || unprintable.test(value) || !value.isWellFormed())
    throw unmailable(`${what} is not one line of 1 to ${charsMax} printable characters`)
}

function matching(what: string, value: string, pattern: RegExp): void {
  line(what, value)
  if (!pattern.test(value)) throw unmailable(`${what} has a form that is not allowed`)
}
