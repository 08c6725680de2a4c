import { createExecutionContext, createMessageBatch, env, getQueueResult } from 'cloudflare:test'
import { eq } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import type { EmailJob } from '../../src/core/jobs.ts'
import { registrationsPerEmailMax, mailWindowMs } from '../../src/core/limits.ts'
import { newMail } from '../../src/db/mails.ts'
import { users } from '../../src/db/schema.ts'
import { mails } from '../../src/db/schema_content.ts'
import { createUserWithOrganization } from '../../src/features/auth/create_user.ts'
import { register } from '../../src/features/auth/register.ts'
import worker from '../../src/worker.ts'
import { randomAddress, testCtx } from '../support/world.ts'

const password = 'correct horse battery'

async function consume(...bodies: unknown[]) {
  const messages = bodies.map((body, i) => ({ id: `m${i}`, timestamp: new Date(), body, attempts: 1 }))
  const batch = createMessageBatch('email-jobs', messages)
  const ctx = createExecutionContext()
  await worker.queue(batch, env, ctx)
  const { explicitAcks, retryMessages } = await getQueueResult(batch, ctx)
  return { acked: explicitAcks, retried: retryMessages.map(({ msgId }) => msgId) }
}

async function mailsOf(owner: string): Promise<string[]> {
  const { objects } = await env.STORAGE.list({ prefix: `outbox/${owner}/` })
  return Promise.all(objects.map(async ({ key }) => (await (await env.STORAGE.get(key))?.text()) ?? ''))
}

/** A stored mail that the queue has not seen. */
async function storedMail(at = Date.UTC(2026, 10, 22, 8)): Promise<{ job: EmailJob; owner: string }> {
  const owner = crypto.randomUUID()
  const ctx = { ...testCtx(), now: () => at }
  const { job, statement } = newMail(ctx, 'welcome', { to: 'ann@example.com', ownerId: owner }, { token: 'the-token' })
  await statement
  return { job, owner }
}

/** A context whose queue only remembers what is sent. */
function withQueue(failure?: Error) {
  const sent: EmailJob[] = []
  const behind: Promise<unknown>[] = []
  const ctx = testCtx()
  const sendBatch = async (messages: Iterable<MessageSendRequest<EmailJob>>) => {
    if (failure) throw failure
    sent.push(...[...messages].map(({ body }) => body))
  }
  const waitUntil = (work: Promise<unknown>) => void behind.push(work.catch(() => undefined))
  return { ctx: { ...ctx, waitUntil, env: { ...env, EMAIL_JOBS: { sendBatch } as unknown as Queue<EmailJob> } }, sent }
}

describe('registration mails', () => {
  it('welcome a new user and warn the owner of a known e-mail, one mail each', async () => {
    const { ctx, sent } = withQueue()
    const email = `ann-${crypto.randomUUID()}@example.com`
    await register(ctx, { email, password, name: 'Ann' })
    await register(ctx, { email, password: 'another password', name: 'Mallory' })
    expect(sent.map(({ kind }) => kind)).toEqual(['welcome', 'registration_known'])
    const rows = await ctx.db.select().from(mails).where(eq(mails.recipient, email))
    expect(JSON.stringify([sent, rows])).not.toMatch(/password"|token":|Ann|Mallory/)
    expect(await consume(...sent)).toEqual({ acked: ['m0', 'm1'], retried: [] })
    const [user] = await ctx.db.select({ id: users.id }).from(users).where(eq(users.email, email))
    expect((await mailsOf(user?.id ?? '')).map((mail) => /^Subject: (.*)$/m.exec(mail)?.[1]?.trim() ?? '').toSorted()).toEqual([
      'Welcome to Edgelog',
      'You already have an Edgelog account',
    ])
  })

  it('go out three times an hour for one e-mail at most; further registrations do nothing', async () => {
    const { ctx, sent } = withQueue()
    const email = `ann-${crypto.randomUUID()}@example.com`
    const rest = { email, password }
    for (let i = 0; i < registrationsPerEmailMax + 2; i++) await register({ ...ctx, clientAddress: randomAddress() }, rest)
    expect(sent).toHaveLength(registrationsPerEmailMax)
    await register({ ...ctx, now: () => Date.now() + mailWindowMs }, rest)
    expect(sent).toHaveLength(registrationsPerEmailMax + 1)
  })

  it('are stored, and change no answer, when the queue is in trouble', async () => {
    const { ctx } = withQueue(new Error('queue is down'))
    const email = `ann-${crypto.randomUUID()}@example.com`
    await register(ctx, { email, password })
    const { known } = await createUserWithOrganization(testCtx(), { email, name: 'x', passwordHash: 'x', organizationName: 'x' })
    expect(known).toBeDefined()
    expect(await ctx.db.select({ status: mails.status }).from(mails).where(eq(mails.recipient, email))).toEqual([{ status: 'pending' }])
  })
})

describe('the e-mail consumer', () => {
  it('puts a mail with its headers into the outbox, and forgets what it was made of', async () => {
    const { job, owner } = await storedMail()
    expect(await consume(job)).toEqual({ acked: ['m0'], retried: [] })
    const object = await env.STORAGE.get(`outbox/${owner}/${job.id}.eml`)
    expect(object?.httpMetadata?.contentType).toBe('message/rfc822')
    const [head = '', ...parts] = (await object?.text())?.split('\r\n\r\n') ?? []
    expect(head).toContain('To: ann@example.com\r\nSubject: Welcome to Edgelog\r\n')
    expect(head).toContain('Date: Sun, 22 Nov 2026 08:00:00 +0000\r\n')
    expect(head).toMatch(new RegExp(`Message-ID: <${job.id}@`))
    expect(parts.join('\n')).toMatch(/Content-Type: text\/plain.*the-token.*Content-Type: text\/html/s)
    const rows = await testCtx().db.select().from(mails).where(eq(mails.id, job.id))
    expect(rows).toMatchObject([{ status: 'sent', sealedParams: '', transport: 'outbox' }])
  })

  it('leaves one mail when a message comes twice', async () => {
    const { job, owner } = await storedMail()
    await consume(job)
    const [first] = await mailsOf(owner)
    await consume(job, job)
    expect(await mailsOf(owner)).toEqual([first])
  })

  it('has nothing to do for a mail whose act did not happen', async () => {
    expect(await consume({ kind: 'welcome', id: crypto.randomUUID() })).toEqual({ acked: ['m0'], retried: [] })
  })

  it('does the good messages of a batch, and those of a form that nobody knows come no more', async () => {
    const { job: good, owner } = await storedMail()
    const bad = [null, 'text', {}, { ...good, kind: 'constructor' }, { ...good, id: '../../org/x' }, { ...good, extra: true }]
    const { acked, retried } = await consume(...bad, good)
    expect(acked).toEqual([...bad, good].map((_, i) => `m${i}`))
    expect(retried).toEqual([])
    expect(await mailsOf(owner)).toHaveLength(1)
  })
})
