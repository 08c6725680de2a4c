import { eq } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mails } from '../../src/db/schema_content.ts'
import { mailSuppressions } from '../../src/db/schema_jobs.ts'
import { outgoingMail } from '../support/outgoing_mail.ts'
import { password } from '../support/smtp/servers.ts'
import type { Faults } from '../support/smtp/servers.ts'
import { host, startSmtpWorld } from '../support/smtp/world.ts'
import type { SmtpWorld } from '../support/smtp/world.ts'

/*
 * Mails by SMTP, from the real runtime over real sockets: to real servers, and to servers that do what servers should not. All
 * conversations of a block are held at the same time, since most of them wait.
 */

const from = { MAIL_FROM: 'no-reply@logs.example.com' }
/** Settings of the call: everything ends after a second. */
const smtp = (port: number, more: Record<string, string> = {}) => {
  return { MAIL_TRANSPORT: 'smtp', SMTP_HOST: host, SMTP_PORT: `${port}`, SMTP_DEADLINE_SECONDS: '1', ...from, ...more }
}
const plain = (port: number) => smtp(port, { SMTP_SECURITY: 'none' })
const user = { SMTP_USER: 'edgelog', SMTP_PASSWORD: password }

let world: SmtpWorld
beforeAll(async () => {
  world = await startSmtpWorld()
})
afterAll(() => world.stop())

/** Hands a mail over; answers the outcome and what the servers accepted for its recipient. */
async function handOver(vars: Record<string, string>, to = `${crypto.randomUUID()}@example.com`) {
  const mail = outgoingMail({ to, text: 'Hello,\n.\n..\n.two\nlast line' })
  const outcome = await world.call({ vars, mail })
  return { outcome, received: world.servers.received.filter((one) => one.to.includes(to)) }
}

describe('a real mail server', () => {
  it.each([
    ['plain', { hideSTARTTLS: true }, { SMTP_SECURITY: 'none' }, { isEncrypted: false, login: undefined }],
    ['with STARTTLS', {}, { SMTP_SECURITY: 'starttls' }, { isEncrypted: true, login: undefined }],
    ['with TLS from the first byte', { secure: true }, { SMTP_SECURITY: 'tls' }, { isEncrypted: true, login: undefined }],
    [
      'plain, with AUTH PLAIN where that is allowed',
      { hideSTARTTLS: true, allowInsecureAuth: true },
      { SMTP_SECURITY: 'none', SMTP_INSECURE_AUTH: 'true', ...user },
      { isEncrypted: false, login: 'edgelog by PLAIN' },
    ],
    ['with STARTTLS and AUTH PLAIN', {}, { SMTP_SECURITY: 'starttls', ...user }, { isEncrypted: true, login: 'edgelog by PLAIN' }],
    [
      'with STARTTLS and AUTH LOGIN',
      {},
      { SMTP_SECURITY: 'starttls', SMTP_AUTH: 'LOGIN', ...user },
      { isEncrypted: true, login: 'edgelog by LOGIN' },
    ],
    ['with TLS and AUTH PLAIN', { secure: true }, { SMTP_SECURITY: 'tls', ...user }, { isEncrypted: true, login: 'edgelog by PLAIN' }],
    [
      'with TLS and AUTH LOGIN',
      { secure: true },
      { SMTP_SECURITY: 'tls', SMTP_AUTH: 'LOGIN', ...user },
      { isEncrypted: true, login: 'edgelog by LOGIN' },
    ],
  ])('accepts a mail, %s, byte by byte', async (_, options, settings, accepted) => {
    const vars = smtp(await world.servers.real(options), { SMTP_DEADLINE_SECONDS: '10', ...settings })
    const { outcome, received } = await handOver(vars)
    expect(outcome).toEqual({ sent: true })
    expect(received).toMatchObject([accepted])
    expect(received[0]?.message).toContain('\r\nHello,\r\n.\r\n..\r\n.two\r\nlast line\r\n')
    expect(received[0]?.message).toContain('Message-ID: <01923f00-0000-7000-8000-00000000000a@logs.example.com>\r\n')
  })

  it('gets no mail where it is not the one that was meant, or its password is wrong', async () => {
    const port = await world.servers.real({})
    const secure = await world.servers.real({ secure: true })
    const outcomes = await Promise.all([
      handOver(smtp(port, { SMTP_HOST: '127.0.0.1' })),
      handOver(smtp(secure, { SMTP_SECURITY: 'tls', SMTP_HOST: '127.0.0.1' })),
      handOver(smtp(port, { ...user, SMTP_PASSWORD: 'wrong' })),
      handOver(smtp(port, { ...user, SMTP_PASSWORD: 'wrong', SMTP_AUTH: 'LOGIN' })),
    ])
    for (const { outcome, received } of outcomes) {
      expect(received).toEqual([])
      expect(outcome).toMatchObject({ sent: false, permanent: false })
    }
    expect(outcomes.slice(2).map(({ outcome }) => outcome)).toMatchObject([
      { code: '535', isSetup: true },
      { code: '535', isSetup: true },
    ])
  })
})

describe('a mail server that does what it should not', () => {
  const later = { sent: false, permanent: false }
  const never = { sent: false, permanent: true }

  it.concurrent.each<[string, Faults, object]>([
    ['says nothing', { GREE: 'stall' }, later],
    ['hangs up at once', { GREE: 'close' }, later],
    ['resets the connection at once', { GREE: 'reset' }, later],
    ['refuses at once', { GREE: '554 no' }, { ...later, isSetup: true }],
    ['has no time', { GREE: '421 4.3.2 busy' }, { ...later, isSetup: false }],
    ['speaks HTTP', { GREE: 'HTTP/1.1 400 Bad Request' }, later],
    ['floods', { EHLO: 'flood', HELO: 'flood' }, later],
    ['stalls at EHLO', { EHLO: 'stall' }, later],
    ['stalls at MAIL', { MAIL: 'stall' }, later],
    ['trickles at MAIL', { MAIL: 'trickle' }, later],
    ['hangs up at MAIL', { MAIL: 'close' }, later],
    ['wants somebody to log in', { MAIL: '530 5.7.0 log in' }, { ...later, isSetup: true }],
    ['stalls at RCPT', { RCPT: 'stall' }, later],
    ['resets at RCPT', { RCPT: 'reset' }, later],
    ['defers the recipient', { RCPT: '451 4.7.1 later' }, later],
    ['refuses the recipient', { RCPT: '550 5.1.1 nobody' }, never],
    ['stalls at DATA', { DATA: 'stall' }, later],
    ['is full at DATA', { DATA: '452 4.3.1 full' }, later],
    ['refuses at DATA', { DATA: '554 5.6.0 no' }, never],
    ['stalls behind the mail', { DOT: 'stall' }, later],
    ['hangs up behind the mail', { DOT: 'close' }, later],
    ['resets behind the mail', { DOT: 'reset' }, later],
    ['defers the mail', { DOT: '451 4.3.0 later' }, later],
    ['refuses the mail', { DOT: '554 5.7.1 spam' }, never],
    ['stalls at QUIT', { QUIT: 'stall' }, { sent: true }],
    ['hangs up at QUIT', { QUIT: 'close' }, { sent: true }],
  ])('%s', async (_, faults, wanted) => {
    const port = await world.servers.faulty(faults)
    const began = Date.now()
    const { outcome } = await handOver(plain(port))
    expect(outcome).toMatchObject(wanted)
    expect(Date.now() - began).toBeLessThan(8_000)
  })

  it('takes the offer of STARTTLS away, and gets neither mail nor password', async () => {
    const silent = await handOver(smtp(await world.servers.faulty({}), user))
    const refusing = await handOver(smtp(await world.servers.faulty({ EHLO: '250 STARTTLS', STAR: '454 4.7.0 not now' }), user))
    for (const { outcome, received } of [silent, refusing]) {
      expect(outcome).toMatchObject(later)
      expect(received).toEqual([])
    }
  })

  it('is not there', async () => {
    expect((await handOver(plain(1))).outcome).toMatchObject(later)
  })

  it('keeps no connection of ours', async () => {
    await expect.poll(() => world.servers.open(), { timeout: 5_000 }).toBe(0)
  })
})

describe('a mail of the queue', () => {
  const stateOf = async (id: string) => {
    const [row] = await world.db.select().from(mails).where(eq(mails.id, id))
    return row
  }
  const receivedBy = (to: string) => world.servers.received.filter((one) => one.to.includes(to))
  const newAddress = (name: string) => `${name}-${crypto.randomUUID()}@example.com`

  it('is delivered once the server takes it, and not again', async () => {
    const vars = plain(await world.servers.real({ hideSTARTTLS: true }))
    const to = newAddress('later')
    const job = await world.write('password_changed', to, { at_ms: 0 })
    expect(await world.call({ vars, job })).toMatchObject({ sent: false, code: '451', permanent: false })
    expect(await stateOf(job.id)).toMatchObject({ status: 'pending', attempts: 1, error: expect.stringContaining('later') as string })
    expect(await world.call({ vars, job })).toEqual({ sent: true })
    expect(await world.call({ vars, job })).toEqual({ sent: true })
    expect(await stateOf(job.id)).toMatchObject({ status: 'sent', attempts: 2, error: null, transport: 'smtp', sealedParams: '' })
    expect(receivedBy(to)).toHaveLength(1)
  })

  it('is seen to be the same by the receiver when the answer got lost', async () => {
    const to = newAddress('ann')
    const job = await world.write('password_changed', to, { at_ms: 0 })
    const lost = plain(await world.servers.faulty({ DOT: 'reset' }))
    expect(await world.call({ vars: lost, job })).toMatchObject({ sent: false, permanent: false })
    expect(await world.call({ vars: plain(await world.servers.real({ hideSTARTTLS: true })), job })).toEqual({ sent: true })
    const [first, second] = receivedBy(to).map(({ message }) => message)
    expect(first).toContain(`Message-ID: <${job.id}@logs.example.com>`)
    expect(second?.trimEnd()).toBe(first?.trimEnd())
  })

  it('is sent by one of two deliveries at once', async () => {
    const vars = plain(await world.servers.real({ hideSTARTTLS: true }))
    const to = newAddress('ann')
    const job = await world.write('password_changed', to, { at_ms: 0 })
    await Promise.all(Array.from({ length: 4 }, () => world.call({ vars, job })))
    expect(receivedBy(to)).toHaveLength(1)
    expect(await stateOf(job.id)).toMatchObject({ status: 'sent', attempts: 1 })
  })

  it('has failed at once where nobody is there, and nothing more is sent to the address', async () => {
    const vars = plain(await world.servers.real({ hideSTARTTLS: true }))
    const to = newAddress('gone')
    const job = await world.write('password_changed', to, { at_ms: 0 })
    expect(await world.call({ vars, job })).toEqual({ sent: true })
    expect(await stateOf(job.id)).toMatchObject({ status: 'failed', error: expect.stringContaining('5.1.1') as string })
    const suppressed = await world.db.select().from(mailSuppressions).where(eq(mailSuppressions.email, to))
    expect(suppressed).toMatchObject([{ scope: 'all', reason: 'bounce' }])
    const next = await world.write('password_changed', to, { at_ms: 0 })
    await world.call({ vars, job: next })
    expect(await stateOf(next.id)).toMatchObject({ status: 'suppressed', error: 'bounce (all)', sealedParams: '' })
  })

  it.each(['policy', 'spam'])('has failed where it is refused as %s, and the next one is tried', async (name) => {
    const vars = plain(await world.servers.real({ hideSTARTTLS: true }))
    const to = newAddress(name)
    const job = await world.write('password_changed', to, { at_ms: 0 })
    await world.call({ vars, job })
    expect(await stateOf(job.id)).toMatchObject({ status: 'failed', error: expect.stringContaining('5.7.1') as string })
    expect(await world.db.select().from(mailSuppressions).where(eq(mailSuppressions.email, to))).toEqual([])
  })
})

describe("Cloudflare's e-mail binding", () => {
  it('accepts the same mail', async () => {
    const vars = { MAIL_TRANSPORT: 'cloudflare', ...from }
    expect(await world.call({ vars, mail: outgoingMail({ subject: 'Größe 🔥' }) })).toEqual({ sent: true })
  })
})
