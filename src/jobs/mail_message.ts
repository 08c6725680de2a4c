import type { MailText } from '../features/mails/mail_text.ts'

/** RFC 5322, section 2.1.1, without the line end. */
const lineCharsMax = 998
const headerValuePattern = /^[\x20-\x7e]+$/

export interface Mail extends Pick<MailText, 'subject' | 'text'> {
  from: string
  to: string
  /** Without angle brackets. */
  messageId: string
  sentMs: number
}

/** A plain-text mail as RFC 5322 wants it. Throws on a header value that is not one line of printable ASCII. */
export function renderMail({ from, to, messageId, sentMs, subject, text }: Mail): string {
  const headers = {
    From: `Edgelog <${from}>`,
    To: `<${to}>`,
    Subject: subject,
    Date: new Date(sentMs).toUTCString().replace('GMT', '+0000'),
    'Message-ID': `<${messageId}>`,
    'MIME-Version': '1.0',
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Transfer-Encoding': '8bit',
    'Auto-Submitted': 'auto-generated',
  }
  const head = Object.entries(headers).map(([name, value]) => headerLine(name, value))
  const body = text.split(/\r\n|\r|\n/)
  return [...head, '', ...body, ''].join('\r\n')
}

/** A line break in a value would let it add headers, or end them, so it is never passed on. */
function headerLine(name: string, value: string): string {
  const line = `${name}: ${value}`
  if (!headerValuePattern.test(value) || line.length > lineCharsMax)
    throw new Error(`mail header ${name} is not one line of printable ASCII`)
  return line
}
