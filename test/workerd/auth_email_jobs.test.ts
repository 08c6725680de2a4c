import { createExecutionContext, createMessageBatch, env, getQueueResult } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import type { EmailJob } from '../../src/core/jobs.ts'
import { registrationsPerEmailMax, registrationWindowMs } from '../../src/core/limits.ts'
import { createUserWithOrganization } from '../../src/features/auth/create_user.ts'
import { register } from '../../src/features/auth/register.ts'
import worker from '../../src/worker.ts'
import { randomAddress, testCtx } from '../support/world.ts'

const password = 'correct horse battery'

function newJob(): EmailJob {
  const envelope = { id: crypto.randomUUID(), sent_ms: Date.UTC(2026, 10, 22, 8), to: 'ann@example.com', owner_id: crypto.randomUUID() }
  return { kind: 'registration_welcome', ...envelope }
}

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

/** A context whose queue only remembers what is sent. */
function withQueue(failure?: Error) {
  const sent: EmailJob[] = []
  const ctx = testCtx()
  const send = async (job: EmailJob) => {
    if (failure) throw failure
    sent.push(job)
  }
  return { ctx: { ...ctx, env: { ...env, EMAIL_JOBS: { send } as unknown as Queue } }, sent }
}

describe('registration mails', () => {
  it('welcome a new user and warn the owner of a known e-mail, one mail each', async () => {
    const { ctx, sent } = withQueue()
    const email = `ann-${crypto.randomUUID()}@example.com`
    await register(ctx, { email, password, name: 'Ann' })
    await register(ctx, { email, password: 'another password', name: 'Mallory' })
    expect(sent).toMatchObject([
      { kind: 'registration_welcome', to: email },
      { kind: 'registration_known', to: email, owner_id: sent[0]?.owner_id },
    ])
    expect(JSON.stringify(sent)).not.toMatch(/password|Ann|Mallory/)
    expect(await consume(...sent)).toEqual({ acked: ['m0', 'm1'], retried: [] })
    expect((await mailsOf(sent[0]?.owner_id ?? '')).map((mail) => /^Subject: (.*)$/m.exec(mail)?.[1]?.trim() ?? '').toSorted()).toEqual([
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
    await register({ ...ctx, now: () => Date.now() + registrationWindowMs }, rest)
    expect(sent).toHaveLength(registrationsPerEmailMax + 1)
  })

  it('do not change the answer when the queue is in trouble', async () => {
    const { ctx } = withQueue(new Error('queue is down'))
    const email = `ann-${crypto.randomUUID()}@example.com`
    await register(ctx, { email, password })
    const { known } = await createUserWithOrganization(testCtx(), { email, name: 'x', passwordHash: 'x', organizationName: 'x' })
    expect(known).toBeDefined()
  })
})

describe('the e-mail consumer', () => {
  it('puts a mail with its headers into the outbox', async () => {
    const job = newJob()
    expect(await consume(job)).toEqual({ acked: ['m0'], retried: [] })
    const object = await env.STORAGE.get(`outbox/${job.owner_id}/${job.id}.eml`)
    expect(object?.httpMetadata?.contentType).toBe('message/rfc822')
    const [head = '', body = ''] = (await object?.text())?.split('\r\n\r\n') ?? []
    expect(head).toContain('To: <ann@example.com>\r\nSubject: Welcome to Edgelog\r\nDate: Sun, 22 Nov 2026 08:00:00 +0000\r\n')
    expect(head).toMatch(new RegExp(`Message-ID: <${job.id}@`))
    expect(body).toContain('Hello,')
  })

  it('leaves one mail when a message comes twice', async () => {
    const job = newJob()
    await consume(job)
    const [first] = await mailsOf(job.owner_id)
    await consume(job, job)
    expect(await mailsOf(job.owner_id)).toEqual([first])
  })

  it('does the good messages of a batch and retries the bad ones', async () => {
    const good = newJob()
    const bad = [
      null,
      'text',
      {},
      { ...newJob(), kind: 'constructor' },
      { ...newJob(), to: 'ann@example.com\r\nBcc: bob@example.com' },
      { ...newJob(), id: '../../org/x' },
      { ...newJob(), owner_id: '..' },
      { ...newJob(), extra: true },
    ]
    const { acked, retried } = await consume(...bad, good)
    expect(acked).toEqual([`m${bad.length}`])
    expect(retried).toEqual(bad.map((_, i) => `m${i}`))
    expect(await mailsOf(good.owner_id)).toHaveLength(1)
  })
})
