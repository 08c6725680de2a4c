import { describe, expect, it } from 'vitest'
import { mailFileNameCharsMax, mailHeaderCharsMax } from '../../../src/core/limits.ts'
import { renderMail } from '../../../src/jobs/mail/mime.ts'
import type { OutgoingMail } from '../../../src/jobs/mail/outgoing.ts'
import { outgoingMail } from '../../support/outgoing_mail.ts'

const file = { filename: 'report.csv', contentType: 'text/csv', content: new TextEncoder().encode('a,b\n1,2\n') }

/** Headers with their folds undone, by lower-case name. */
async function headersOf(mail: OutgoingMail): Promise<Record<string, string>> {
  const [head = ''] = (await renderMail(mail)).split('\r\n\r\n')
  const lines = head.replaceAll(/\r\n[ \t]+/g, ' ').split('\r\n')
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]))
}

/** What a mail program shows of an encoded header (RFC 2047). */
function decoded(header: string): string {
  return header
    .replaceAll(/\?=\s+=\?/g, '?==?')
    .replaceAll(/=\?UTF-8\?B\?([^?]*)\?=/g, (_, text: string) => Buffer.from(text, 'base64').toString())
    .replaceAll(/=\?UTF-8\?Q\?([^?]*)\?=/g, (_, text: string) => quotedPrintable(text.replaceAll('_', ' ')))
}

function quotedPrintable(text: string): string {
  const bytes = text
    .replaceAll(/=\r\n/g, '')
    .replaceAll(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return Buffer.from(bytes, 'latin1').toString()
}

/** Content of the part of a type, decoded. */
async function partOf(mail: OutgoingMail, type: string): Promise<string> {
  const message = await renderMail(mail)
  const start = message.indexOf(`Content-Type: ${type}`)
  const [head = '', ...rest] = message.slice(start).split('\r\n\r\n')
  const [body = ''] = rest.join('\r\n\r\n').split('\r\n--')
  if (head.includes('base64')) return Buffer.from(body, 'base64').toString()
  return head.includes('quoted-printable') ? quotedPrintable(body) : body
}

describe('a mail', () => {
  it('has its headers, and the text in both forms', async () => {
    expect(await headersOf(outgoingMail())).toEqual({
      from: 'Edgelog <no-reply@logs.example.com>',
      to: 'ann@example.com',
      subject: 'Hello',
      date: 'Sun, 22 Nov 2026 08:00:00 +0000',
      'message-id': '<01923f00-0000-7000-8000-00000000000a@logs.example.com>',
      'mime-version': '1.0',
      'auto-submitted': 'auto-generated',
      'content-type': expect.stringMatching(/^multipart\/alternative; boundary=/) as string,
    })
    expect(await partOf(outgoingMail(), 'text/plain')).toBe('Hello,\r\n\r\nall is well.')
    expect(await partOf(outgoingMail(), 'text/html')).toBe(outgoingMail().html)
  })

  it('is the same bytes whenever it is made, so that a second delivery is seen to be one', async () => {
    const mail = outgoingMail({ files: [file], subject: 'Größe 🔥', unsubscribeUrl: 'https://logs.example.com/unsubscribe?token=x' })
    expect(await renderMail(mail)).toBe(await renderMail(mail))
  })

  it('says how it is ended with one click, where one can do without it', async () => {
    const url = `https://logs.example.com/unsubscribe?token=${'x'.repeat(300)}`
    expect(await headersOf(outgoingMail({ unsubscribeUrl: url }))).toMatchObject({
      'list-unsubscribe': `<${url}>`,
      'list-unsubscribe-post': 'List-Unsubscribe=One-Click',
    })
    expect(Object.keys(await headersOf(outgoingMail()))).not.toContain('list-unsubscribe')
  })

  it('keeps any Unicode of subject, parts and names of files', async () => {
    const text = 'Größe 🔥 日本語 \u0645\u0631\u062d\u0628\u0627 '.repeat(20)
    const mail = outgoingMail({ subject: text.trim(), text, html: `<p>${text}</p>`, files: [{ ...file, filename: 'größe 🔥.csv' }] })
    expect(decoded((await headersOf(mail))['subject'] ?? '')).toBe(text.trim())
    expect(await partOf(mail, 'text/plain')).toBe(text)
    expect(await partOf(mail, 'text/html')).toBe(`<p>${text}</p>`)
    const message = await renderMail(mail)
    expect(decodeURIComponent(/filename\*0\*=utf-8''(\S+)/.exec(message)?.[1] ?? '')).toBe('größe 🔥.csv')
    expect(await partOf(mail, 'text/csv')).toBe('a,b\n1,2\n')
  })

  it('is 7-bit, in lines that end with CR LF and have at most 998 characters, whatever it holds', async () => {
    const nasty = `.\n..\n.\r\n\r.\nFrom x\n${'x'.repeat(5000)}\n${'ü'.repeat(5000)}\n=\t \n`
    const message = await renderMail(outgoingMail({ subject: 'x'.repeat(mailHeaderCharsMax), text: nasty, html: nasty, files: [file] }))
    expect(message).toMatch(/^[\t\r\n\x20-\x7e]*$/)
    for (const line of message.split('\r\n')) {
      expect(line).not.toMatch(/[\r\n]/)
      expect(line.length).toBeLessThanOrEqual(998)
    }
  })
})

describe('a mail is not made with', () => {
  it.each<[string, Partial<OutgoingMail>]>([
    ['a line break in the subject', { subject: 'Hello\r\nBcc: bob@example.com' }],
    ['an end of the headers in the subject', { subject: 'Hello\r\n\r\nbody' }],
    ['a lone CR in the subject', { subject: 'Hello\rX: y' }],
    ['a lone LF in the subject', { subject: 'Hello\nX: y' }],
    ['NUL in the subject', { subject: 'Hello\0' }],
    ['a separator of lines in the subject', { subject: 'a\u2028b' }],
    ['half a character in the subject', { subject: 'a\ud83d' }],
    ['no subject', { subject: '' }],
    ['a subject without end', { subject: 'x'.repeat(mailHeaderCharsMax + 1) }],
    ['a second recipient behind a line break', { to: 'ann@example.com>\r\nRCPT TO:<bob@example.com' }],
    ['a second recipient behind a comma', { to: 'ann@example.com,bob@example.com' }],
    ['a second recipient behind a blank', { to: 'ann@example.com bob@example.com' }],
    ['brackets in the recipient', { to: '<ann@example.com>' }],
    ['a parameter of SMTP in the recipient', { to: 'ann@example.com> SIZE=1' }],
    ['a recipient beyond ASCII', { to: 'änn@example.com' }],
    ['a recipient without a host', { to: 'ann' }],
    ['a line break in the sender', { from: { name: 'Edgelog', address: 'a@b.example\r\nX: y' } }],
    ['a line break in the name of the sender', { from: { name: 'Edgelog\r\nX: y', address: 'a@b.example' } }],
    ['a line break in the Message-ID', { messageId: '<a@b>\r\nX: y' }],
    ['a Message-ID without brackets', { messageId: 'a@b' }],
    ['a line break in the address to unsubscribe', { unsubscribeUrl: 'https://x.example/\r\nX: y' }],
    ['an end of the address to unsubscribe', { unsubscribeUrl: 'https://x.example/>,<mailto:bob@example.com' }],
    ['a script as address to unsubscribe', { unsubscribeUrl: 'javascript:alert(1)' }],
    ['a line break in the name of a file', { files: [{ ...file, filename: 'a\r\nX: y.csv' }] }],
    ['a name of a file without end', { files: [{ ...file, filename: 'x'.repeat(mailFileNameCharsMax + 1) }] }],
    ['a line break in the type of a file', { files: [{ ...file, contentType: 'text/csv\r\nX: y' }] }],
  ])('%s', async (_, change) => {
    await expect(renderMail(outgoingMail(change))).rejects.toMatchObject({ name: 'MailError', code: 'unmailable', permanent: true })
  })
})
