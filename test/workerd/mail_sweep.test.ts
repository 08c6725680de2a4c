import { env } from 'cloudflare:test'
import { eq } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import type { EmailJob } from '../../src/core/jobs.ts'
import { uuidv7 } from '../../src/core/ids.ts'
import { outboxKey } from '../../src/core/mails.ts'
import type { BaseCtx } from '../../src/db/context.ts'
import { newMail } from '../../src/db/mails.ts'
import { mails } from '../../src/db/schema_content.ts'
import { jobRetrySecondsMax, mailGivenUpMs, mailLeaseMs, mailRetryStuckMs, mailsKeptMs, mailStuckMs } from '../../src/core/limits.ts'
import { consumeJobs } from '../../src/jobs/consume.ts'
import { dispatch } from '../../src/jobs/dispatch.ts'
import { giveUpMail } from '../../src/jobs/email_jobs.ts'
import { forgetOldMails, sweepMails } from '../../src/jobs/mail_sweep.ts'
import { testCtx } from '../support/world.ts'

/** A context at a time, whose queue only remembers. */
function at(ms: number): { ctx: BaseCtx; sent: EmailJob[] } {
  const sent: EmailJob[] = []
  const sendBatch = async (messages: Iterable<MessageSendRequest<EmailJob>>) => void sent.push(...[...messages].map(({ body }) => body))
  const base = testCtx()
  const queued = { ...env, EMAIL_JOBS: { sendBatch } as unknown as Queue<EmailJob> }
  return { ctx: { ...base, env: queued, now: () => ms, newId: () => uuidv7(ms) }, sent }
}

async function writeAt(ms: number, to = 'ann@example.com') {
  const ownerId = crypto.randomUUID()
  const { job, statement } = newMail(at(ms).ctx, 'welcome', { to, ownerId }, { token: 'the-token' })
  await statement
  return { id: job.id, ownerId, job }
}

async function stateOf(id: string) {
  const [row] = await testCtx().db.select({ status: mails.status, error: mails.error }).from(mails).where(eq(mails.id, id))
  return row
}

/** Delivers a message and tells what became of it. */
async function consume(ctx: BaseCtx, job: EmailJob, attempts: number): Promise<string> {
  let end = ''
  const message = { id: 'm', timestamp: new Date(), body: job, attempts, ack: () => void (end = 'ack'), retry: () => void (end = 'retry') }
  await consumeJobs(ctx, { queue: 'email-jobs', messages: [message] }, dispatch)
  return end
}

const brokenStorage = { put: () => Promise.reject(new Error('storage is down')) } as unknown as R2Bucket

describe('the sweep of mails', () => {
  it('sends on what waits for long, and leaves alone what was just written or is sent', async () => {
    const now = Date.now()
    const [stuck, fresh, done] = [await writeAt(now - mailStuckMs), await writeAt(now - mailStuckMs + 1), await writeAt(now - mailStuckMs)]
    expect(await consume(at(now).ctx, done.job, 1)).toBe('ack')
    const { ctx, sent } = at(now)
    await sweepMails(ctx)
    const ids = sent.map(({ id }) => id)
    expect(ids).toContain(stuck.id)
    for (const { id } of [fresh, done]) expect(ids).not.toContain(id)
    expect(await consume(at(now).ctx, stuck.job, 1)).toBe('ack')
    const again = at(now)
    await sweepMails(again.ctx)
    expect(again.sent.map(({ id }) => id)).not.toContain(stuck.id)
  })

  it('and the delivery take up what was held while the clock was hours ahead', async () => {
    const now = Date.now()
    const mail = await writeAt(now - mailStuckMs)
    const held = (aheadMs: number) => {
      const ahead = now + aheadMs
      return testCtx()
        .db.update(mails)
        .set({ attempts: 1, leaseUntil: ahead + mailLeaseMs, updatedAt: ahead })
        .where(eq(mails.id, mail.id))
    }
    const swept = async () => {
      const { ctx, sent } = at(now)
      await sweepMails(ctx)
      return sent.some(({ id }) => id === mail.id)
    }
    await held(0)
    expect([await swept(), await consume(at(now).ctx, mail.job, 1)]).toEqual([false, 'retry'])
    await held(5 * 60 * 60 * 1000)
    expect([await swept(), await consume(at(now).ctx, mail.job, 1)]).toEqual([true, 'ack'])
    expect(await stateOf(mail.id)).toMatchObject({ status: 'sent' })
  })

  it('gives up after a day', async () => {
    const now = Date.now()
    const [old, young] = [await writeAt(now - mailGivenUpMs), await writeAt(now - mailGivenUpMs + 60_000)]
    const { ctx, sent } = at(now)
    await sweepMails(ctx)
    expect(await stateOf(old.id)).toEqual({ status: 'failed', error: 'no message of the queue came through' })
    expect(sent.map(({ id }) => id)).toContain(young.id)
    expect(sent.map(({ id }) => id)).not.toContain(old.id)
    expect(await consume(at(now).ctx, old.job, 1)).toBe('ack')
    expect(await env.STORAGE.head(outboxKey(old))).toBeNull()
  })
})

describe('a mail that fails', () => {
  it('comes again by its own message, and by the sweep once the queue has given that up', async () => {
    const now = Date.now()
    const mail = await writeAt(now - mailStuckMs)
    const { ctx } = at(now)
    const down = { ...ctx, env: { ...ctx.env, STORAGE: brokenStorage } }
    expect(await consume(down, mail.job, 1)).toBe('retry')
    expect(await stateOf(mail.id)).toEqual({ status: 'pending', error: 'storage is down' })
    const soon = at(now + jobRetrySecondsMax * 1000)
    await sweepMails(soon.ctx)
    expect(soon.sent.map(({ id }) => id)).not.toContain(mail.id)
    await giveUpMail(at(now + 1).ctx, mail.job, 'It failed again and again.')
    expect(await stateOf(mail.id)).toEqual({ status: 'pending', error: 'storage is down' })
    const { ctx: later, sent } = at(now + mailRetryStuckMs)
    await sweepMails(later)
    expect(sent.map(({ id }) => id)).toContain(mail.id)
    expect(await consume(later, mail.job, 1)).toBe('ack')
    expect(await stateOf(mail.id)).toEqual({ status: 'sent', error: null })
    expect(await env.STORAGE.head(outboxKey(mail))).not.toBeNull()
  })

  it('says why for ever, once it is a day old', async () => {
    const now = Date.now()
    const mail = await writeAt(now)
    const { ctx } = at(now)
    expect(await consume({ ...ctx, env: { ...ctx.env, STORAGE: brokenStorage } }, mail.job, 1)).toBe('retry')
    await giveUpMail(at(now + mailGivenUpMs).ctx, mail.job, 'It failed again and again.')
    expect(await stateOf(mail.id)).toEqual({ status: 'failed', error: 'storage is down' })
  })

  it('has failed for good when its text cannot be written, and is not sent on', async () => {
    const now = Date.now()
    const mail = await writeAt(now - mailStuckMs)
    await testCtx().db.update(mails).set({ sealedParams: 'broken' }).where(eq(mails.id, mail.id))
    const { ctx } = at(now)
    expect(await consume(ctx, mail.job, 1)).toBe('ack')
    expect(await stateOf(mail.id)).toMatchObject({
      status: 'failed',
      error: expect.stringContaining('its text cannot be written') as string,
    })
    const later = at(now + mailRetryStuckMs)
    await sweepMails(later.ctx)
    expect(later.sent.map(({ id }) => id)).not.toContain(mail.id)
  })
})

describe('mails of long ago', () => {
  it('are forgotten with their objects after thirty days', async () => {
    const now = Date.now()
    const [old, young] = [await writeAt(now - mailsKeptMs - 1), await writeAt(now - mailsKeptMs + 60_000)]
    for (const { job } of [old, young]) expect(await consume(at(now).ctx, job, 1)).toBe('ack')
    expect(await env.STORAGE.head(outboxKey(old))).not.toBeNull()
    await forgetOldMails(at(now).ctx)
    expect(await stateOf(old.id)).toBeUndefined()
    expect(await env.STORAGE.head(outboxKey(old))).toBeNull()
    expect(await stateOf(young.id)).toMatchObject({ status: 'sent' })
    expect(await env.STORAGE.head(outboxKey(young))).not.toBeNull()
  })
})
