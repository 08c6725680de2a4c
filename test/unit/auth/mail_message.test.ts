import { describe, expect, it } from 'vitest'
import { renderMail } from '../../../src/jobs/mail_message.ts'

const mail = {
  from: 'no-reply@logs.example.com',
  to: 'ann@example.com',
  messageId: 'm1@logs.example.com',
  sentMs: Date.UTC(2026, 10, 22, 8),
  subject: 'Hello',
  text: 'one\ntwo\r\nthree é',
}

describe('a mail', () => {
  it('is a message as RFC 5322 wants it', () => {
    const text = renderMail(mail)
    const [head = '', body] = text.split('\r\n\r\n')
    expect(head.split('\r\n')).toEqual([
      'From: Edgelog <no-reply@logs.example.com>',
      'To: <ann@example.com>',
      'Subject: Hello',
      'Date: Sun, 22 Nov 2026 08:00:00 +0000',
      'Message-ID: <m1@logs.example.com>',
      'MIME-Version: 1.0',
      'Content-Type: text/plain; charset=utf-8',
      'Content-Transfer-Encoding: 8bit',
      'Auto-Submitted: auto-generated',
    ])
    expect(body).toBe('one\r\ntwo\r\nthree é\r\n')
  })

  it.each([
    ['to', 'ann@example.com>\r\nBcc: <bob@example.com'],
    ['to', 'ann@example.com\nBcc: bob@example.com'],
    ['subject', 'Hello\r\n\r\nbody'],
    ['subject', 'Hello\rX: y'],
    ['subject', 'Hällo'],
    ['subject', 'x'.repeat(1000)],
    ['from', 'a\u2028b'],
    ['messageId', 'a\0b'],
  ])('is not made with the %s %j', (field, value) => {
    expect(() => renderMail({ ...mail, [field]: value })).toThrow('not one line of printable ASCII')
  })
})
