import { Webhook } from 'standardwebhooks'
import { describe, expect, it } from 'vitest'
import { channelPauseMs, notificationGivenUpMs, notificationLeaseMs } from '../../src/core/limits.ts'
import { rotateSecret } from '../../src/features/notification-channels/rotate_secret.ts'
import { retryNotification } from '../../src/features/notification-channels/retry_notification.ts'
import { postJson } from '../../src/features/notification-channels/send/post_json.ts'
import { faultyEnv } from '../support/faulty.ts'
import { openDatabase } from '../../src/db/client.ts'
import { testCtx } from '../support/world.ts'
import { notifyWorld, receiverOf } from './notify_world.ts'

const at = <C extends { now(): number }>(ctx: C, ms: number): C => ({ ...ctx, now: () => ms })

describe('a webhook', () => {
  it('is signed, has the notice as its body, and counts as sent once it was accepted', async () => {
    const receiver = await receiverOf({ status: 202, body: 'thanks' })
    const { tell, run, rows, secret, channel } = await notifyWorld(receiver.url)
    const notice = await tell()
    expect(await rows()).toMatchObject([{ status: 'pending', attempts: 0 }])
    await run()
    const [only, ...others] = await receiver.received()
    expect(others).toEqual([])
    expect(new Webhook(secret).verify(only?.body ?? '', only?.headers ?? {})).toEqual(notice)
    expect(only?.headers).toMatchObject({ 'webhook-id': notice.id, 'content-type': 'application/json' })
    expect(await rows()).toMatchObject([{ status: 'sent', attempts: 1, error: null, leaseUntil: 0 }])
    expect(await channel()).toMatchObject({ lastError: null, lastAttemptAt: expect.any(Number) as number })
    await run()
    expect(await receiver.received()).toHaveLength(1)
  })

  it('has both signatures for a day after its secret was replaced', async () => {
    const receiver = await receiverOf({})
    const { tell, run, ctx, secret: old, channelId } = await notifyWorld(receiver.url)
    const { secret } = await rotateSecret(ctx, channelId)
    await tell()
    await run()
    await tell()
    await run(at(ctx, Date.now() + 25 * 60 * 60 * 1000))
    const [first, second] = await receiver.received()
    for (const each of [old, secret ?? '']) expect(new Webhook(each).verify(first?.body ?? '', first?.headers ?? {})).toBeTruthy()
    expect(second?.headers['webhook-signature']?.split(' ')).toHaveLength(1)
  })

  it('is tried again later with the same id after 500, and those behind it wait for it', async () => {
    const receiver = await receiverOf({ status: 500, body: 'broken' }, {})
    const { tell, run, rows, ctx, notices, channel } = await notifyWorld(receiver.url)
    const [first, second] = [await tell(), await tell({ kind: 'resolved' })]
    await run()
    const [waiting, behind] = await rows()
    expect([waiting, behind]).toMatchObject([
      { status: 'pending', attempts: 1, error: 'It answered 500.', leaseUntil: 0 },
      { status: 'pending', attempts: 0 },
    ])
    expect(await channel()).toMatchObject({ lastError: 'It answered 500.' })
    const [next] = notices
    const waitMs = (waiting?.nextAttemptAt ?? 0) - Date.now()
    expect(waitMs).toBeGreaterThan(10_000)
    expect(waitMs).toBeLessThanOrEqual(30_000)
    expect(next?.delaySeconds).toBeGreaterThanOrEqual(15)
    // Too early: nothing goes out, and nothing overtakes.
    await run()
    expect(await receiver.received()).toHaveLength(1)
    await run(at(ctx, waiting?.nextAttemptAt ?? 0))
    expect((await receiver.received()).map(({ headers }) => headers['webhook-id'])).toEqual([first.id, first.id, second.id])
    expect(await rows()).toMatchObject([
      { status: 'sent', attempts: 2, error: null },
      { status: 'sent', attempts: 1 },
    ])
  })

  it('waits as long as Retry-After asks for, up to an hour', async () => {
    for (const [asked, seconds] of [
      ['120', 120],
      ['86400', 3600],
    ] as const) {
      const receiver = await receiverOf({ status: 429, headers: { 'Retry-After': asked } })
      const { tell, run, rows, ctx } = await notifyWorld(receiver.url)
      const now = Date.now()
      await tell()
      await run(at(ctx, now + 1000))
      const [row] = await rows()
      expect((row?.nextAttemptAt ?? 0) - now - 1000).toBe(seconds * 1000)
    }
  })

  it.each([400, 401, 404, 410, 422])('fails at once after %i, and lets those behind it go', async (status) => {
    const receiver = await receiverOf({ status }, {})
    const { tell, run, rows } = await notifyWorld(receiver.url)
    await tell()
    await tell()
    await run()
    expect(await rows()).toMatchObject([{ status: 'failed', error: `It answered ${status}.` }, { status: 'sent' }])
  })

  it('never follows a redirect, wherever it leads', async () => {
    const target = await receiverOf({})
    for (const location of [target.url, 'http://169.254.169.254/latest/meta-data/', 'https://hooks.example.com/']) {
      const receiver = await receiverOf({ status: 307, headers: { Location: location } })
      const { tell, run, rows } = await notifyWorld(receiver.url)
      await tell()
      await run()
      expect(await rows()).toMatchObject([{ status: 'failed', error: 'It answered 307: redirects are not followed.' }])
    }
    expect(await target.received()).toEqual([])
  })

  it('goes out at most to a day after its notice, then has failed for good, until somebody tries again', async () => {
    const receiver = await receiverOf({ status: 503 })
    const { tell, run, rows, ctx, ruleId, notices, channel } = await notifyWorld(receiver.url)
    await tell()
    const start = Date.now()
    let now = start
    for (let [row] = await rows(); row?.status === 'pending'; [row] = await rows()) {
      now = Math.max(now, row.nextAttemptAt, (await channel()).pausedUntil ?? 0)
      await run(at(ctx, now))
    }
    const attempts = (await receiver.received()).length
    expect(attempts).toBeGreaterThan(24)
    expect(attempts).toBeLessThan(60)
    // At its end the channel rests an hour after each attempt.
    expect(now - start).toBeLessThan(notificationGivenUpMs + channelPauseMs)
    expect(now - start).toBeGreaterThan(notificationGivenUpMs - 60 * 60 * 1000)
    const [failed] = await rows()
    expect(failed).toMatchObject({ status: 'failed', error: 'It answered 503.' })
    const ids = new Set((await receiver.received()).map(({ headers }) => headers['webhook-id']))
    expect(ids.size).toBe(1)
    notices.length = 0
    await retryNotification(at(ctx, now), { ruleId, id: failed?.id ?? '' })
    expect(notices).toHaveLength(1)
    expect(await rows()).toMatchObject([{ status: 'pending', attempts: 0, error: null, createdAt: failed?.createdAt, retriedAt: now }])
    await expect(retryNotification(ctx, { ruleId, id: failed?.id ?? '' })).rejects.toMatchObject({ code: 'conflict' })
  })
})

describe('a receiver', () => {
  const body = { headers: {}, body: '{}' }

  it('that is slow, silent or drips is left after the time, and a byte too many is not read', async () => {
    const ctx = testCtx()
    const [slow, closed, dripping, huge] = [
      await receiverOf({ silent: 'hang' }),
      await receiverOf({ silent: 'close' }),
      await receiverOf({ drip: true }),
      await receiverOf({ status: 500, bytes: 10 * 1024 * 1024 }),
    ]
    const post = (url: string) => postJson(ctx, { ...body, url, timeoutMs: 300 })
    const [a, b, c, d] = await Promise.all([post(slow.url), post(closed.url), post(dripping.url), post(huge.url)])
    expect(a).toMatchObject({ kind: 'unreachable', error: 'It did not answer within 0.3 seconds.' })
    expect(b).toMatchObject({ kind: 'unreachable', status: null })
    // Its status was 200: whatever the body is about, the notice was taken.
    expect(c).toMatchObject({ kind: 'accepted', status: 200 })
    expect(d).toMatchObject({ kind: 'unreachable', status: 500, answer: 'x'.repeat(500) })
    expect((await huge.look()).endedEarly).toBe(1)
    expect((await dripping.look()).endedEarly).toBe(1)
  })

  it('that is not there is unreachable, and one that must not be called is refused without a call', async () => {
    const ctx = testCtx()
    expect(await postJson(ctx, { ...body, url: 'http://127.0.0.1:9/' })).toMatchObject({ kind: 'unreachable', status: null })
    const receiver = await receiverOf({})
    const production = { ...ctx, config: { ...ctx.config, webhookPrivateTargets: false } }
    expect(await postJson(production, { ...body, url: receiver.url })).toMatchObject({
      kind: 'refused',
      error: 'The address must begin with https://.',
    })
    expect(await receiver.received()).toEqual([])
  })
})

describe('a consumer', () => {
  it('that is killed between sending and writing it down leaves a notice that comes again with the same id', async () => {
    const receiver = await receiverOf({})
    const { tell, run, rows, ctx } = await notifyWorld(receiver.url)
    const notice = await tell()
    // Looks at its channel, claims, sends, and dies at the batch that would write down the end.
    let batches = 0
    const plan = (name: string) => (name === 'DB.batch' && ++batches > 1 ? 'fails before' : 'works')
    const dying = { ...ctx, db: openDatabase(faultyEnv(ctx.env, plan).DB) }
    await expect(run(dying)).rejects.toThrow('Network connection lost')
    expect(await rows()).toMatchObject([{ status: 'pending', attempts: 1 }])
    await run()
    expect(await receiver.received()).toHaveLength(1)
    await run(at(ctx, Date.now() + notificationLeaseMs))
    expect((await receiver.received()).map(({ headers }) => headers['webhook-id'])).toEqual([notice.id, notice.id])
    expect(await rows()).toMatchObject([{ status: 'sent', attempts: 2 }])
  })

  it('is one of many that come at once: each notice is sent once, in order', async () => {
    const receiver = await receiverOf({})
    const { tell, run } = await notifyWorld(receiver.url)
    const ids: string[] = []
    for (let i = 0; i < 5; i++) ids.push((await tell()).id)
    await Promise.all(Array.from({ length: 6 }, () => run()))
    await run()
    expect((await receiver.received()).map(({ headers }) => headers['webhook-id'])).toEqual(ids)
  })

  it('goes on as another job after some notices', async () => {
    const receiver = await receiverOf({})
    const { tell, run, notices } = await notifyWorld(receiver.url)
    for (let i = 0; i < 9; i++) await tell()
    await run()
    expect(await receiver.received()).toHaveLength(8)
    expect(notices).toMatchObject([{ job: { kind: 'notify' }, delaySeconds: 0 }])
  })
})

describe('Slack', () => {
  it('is sent blocks, and has accepted them once it says so', async () => {
    const receiver = await receiverOf({}, { status: 200, body: '<html>log in</html>' }, { status: 404, body: 'no_service' })
    const { tell, run, rows } = await notifyWorld(receiver.url, 'slack')
    for (let i = 0; i < 3; i++) await tell()
    await run()
    const [first] = await receiver.received()
    expect(JSON.parse(first?.body ?? '')).toMatchObject({ blocks: [{ type: 'header' }, { type: 'section' }, { type: 'section' }, {}, {}] })
    expect(first?.headers['webhook-signature']).toBeUndefined()
    expect((await rows()).map(({ status, error }) => [status, error])).toEqual([
      ['sent', null],
      ['failed', 'It did not answer as an incoming webhook of Slack does.'],
      ['failed', 'It answered 404.'],
    ])
  })
})
