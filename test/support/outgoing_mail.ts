import type { OutgoingMail } from '../../src/jobs/mail/outgoing.ts'

/** A mail that every transport takes, with what a test changes. */
export function outgoingMail(change: Partial<OutgoingMail> = {}): OutgoingMail {
  const id = '01923f00-0000-7000-8000-00000000000a'
  return {
    id,
    ownerId: '01923f00-0000-7000-8000-00000000000b',
    from: { name: 'Edgelog', address: 'no-reply@logs.example.com' },
    to: 'ann@example.com',
    messageId: `<${id}@logs.example.com>`,
    writtenMs: Date.UTC(2026, 10, 22, 8),
    subject: 'Hello',
    text: 'Hello,\n\nall is well.',
    html: '<!doctype html><p>Hello,</p><p>all is well.</p>',
    files: [],
    unsubscribeUrl: null,
    ...change,
  }
}
