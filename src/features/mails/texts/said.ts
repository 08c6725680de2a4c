import type { MailKind, MailParams } from '../../../core/mails.ts'
import { code, paragraph } from '../blocks.ts'
import type { Block } from '../blocks.ts'
import { named, oneLine, plain, quoted } from '../html.ts'
import type { Words } from '../html.ts'
import type { MailPlace, MailText } from '../mail_text.ts'

/* What several mails say in the same words. */

export type Writer<K extends MailKind> = (params: MailParams<K>, place: MailPlace) => MailText

/** The writers of some kinds. */
export type Writers<K extends MailKind> = { readonly [Each in K]: Writer<Each> }

export const notYou = paragraph('If it was not you, change your password now: somebody else may know it.')
export const securityReason = 'You get this mail because it is about the security of your account. Such mails cannot be turned off.'
export const ignore = paragraph('If you did not ask for this, you can ignore this mail.')

/** How to use a token. It is in no address, which servers and browsers would remember. */
export function step({ publicUrl }: MailPlace, path: string, token: string, more = ''): Block {
  return code(`POST ${publicUrl}/api/v1/${path}\n{"token": "${oneLine(token)}"${more}}`)
}

/** An e-mail in full, of which mail programs shall make no link. */
export function mailbox(email: string): Words {
  const line = oneLine(email)
  return /^[^\s:/]+@[^\s:/@]+$/.test(line) ? { text: line, html: quoted(line).html } : named(email)
}

export function time(ms: number): Words {
  return plain(`${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`)
}

/** A time as notices have it, RFC 3339, to the second. */
export function instant(text: string): Words {
  const ms = Date.parse(text)
  return Number.isNaN(ms) ? quoted(oneLine(text)) : plain(`${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`)
}

/** 1234567 as 1,234,567, whatever language the machine speaks. */
export function amount(value: number): string {
  return new Intl.NumberFormat('en-US', { maximumSignificantDigits: Math.abs(value) < 1 ? 4 : 15 }).format(value)
}

export function counted(count: number, one: string, many = `${one}s`): string {
  return `${amount(count)} ${count === 1 ? one : many}`
}

/** 1234567 as 1.2 MB. */
export function bytesText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']
  let value = bytes
  let unit = 0
  // 999,950 bytes would round to 1000.0 kB.
  for (; value >= 999.95 && unit < units.length - 1; unit += 1) value /= 1000
  return `${unit === 0 ? value : amount(Number(value.toFixed(1)))} ${units[unit]}`
}
