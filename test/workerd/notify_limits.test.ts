import { and, eq } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import {
  channelCallsPerHostMax,
  channelFailingMs,
  channelFailuresMax,
  channelPauseMs,
  recipientMailsPerPersonMax,
} from '../../src/core/limits.ts'
import { notificationRetriesPerChannelMax } from '../../src/core/limits.ts'
import { alertNotifications, notificationChannels, notificationEmails } from '../../src/db/schema_alerts.ts'
import { newNotifications } from '../../src/features/notification-channels/new_notifications.ts'
import { askRecipients } from '../../src/features/notification-channels/recipients.ts'
import { retryNotification } from '../../src/features/notification-channels/retry_notification.ts'
import { forgetRecipients } from '../../src/jobs/notify/forget_recipients.ts'
import { sweepNotifications } from '../../src/jobs/notify/sweep.ts'
import { mailsTo } from '../support/mails.ts'
import { noticeOf } from '../support/notices.ts'
import { createWorld, testCtx } from '../support/world.ts'
import { ask } from './content_world.ts'
import { ownerWithJobs, withJobs } from './control_world.ts'
import { notifyWorld, receiverOf, writeAll } from './notify_world.ts'

const path = '/api/v1/notification-channels'
const stranger = () => `stranger-${crypto.randomUUID()}@example.com`

describe('a channel', () => {
  const set = (id: string, row: Partial<typeof notificationChannels.$inferInsert>) =>
    testCtx().db.update(notificationChannels).set(row).where(eq(notificationChannels.id, id))

  it('that failed again and again for an hour rests, until a test works', async () => {
    const receiver = await receiverOf({ status: 500 }, {})
    const { world, tell, run, rows, ctx, channel, channelId } = await notifyWorld(receiver.url)
    const shown = async () => (await ask<{ paused_until: string | null }>(world, 'GET', `${path}/${channelId}`)).body.paused_until
    await tell()
    const now = Date.now()
    await set(channelId, { failures: channelFailuresMax - 1, failingSince: now - channelFailingMs })
    await run({ ...ctx, now: () => now })
    expect(await channel()).toMatchObject({ failures: channelFailuresMax, pausedUntil: now + channelPauseMs })
    expect(await shown()).toBe(new Date(now + channelPauseMs).toISOString())
    const late = { ...ctx, now: () => now + channelPauseMs - 1 }
    await run(late)
    expect(await receiver.received()).toHaveLength(1)
    const { ctx: cron, notices } = withJobs()
    await sweepNotifications({ ...cron, now: late.now })
    expect(notices.filter(({ job }) => job.channel_id === channelId)).toEqual([])
    await ask(world, 'POST', `${path}/${channelId}/test`)
    expect([await shown(), (await channel()).failures]).toEqual([null, 0])
    await run(late)
    expect(await rows()).toMatchObject([{ status: 'sent' }])
  })

  it('does not rest for failures that were few, or soon one after the other', async () => {
    const receiver = await receiverOf({ status: 500 })
    const { tell, run, ctx, channel, channelId } = await notifyWorld(receiver.url)
    await tell()
    const now = Date.now()
    await set(channelId, { failures: channelFailuresMax, failingSince: now - channelFailingMs + 1 })
    await run({ ...ctx, now: () => now })
    expect(await channel()).toMatchObject({ failures: channelFailuresMax + 1, pausedUntil: null })
  })

  it('is called so often a minute with all others of its host, and then by the sweep again', async () => {
    const receiver = await receiverOf({})
    const { world, tell, run, rows, ctx, channelId } = await notifyWorld(receiver.url)
    const other = await ask<{ id: string }>(world, 'POST', path, { json: { name: 'Same', kind: 'webhook', url: receiver.url } })
    await tell()
    await tell()
    const now = Date.now()
    await set(other.body.id, { calls: channelCallsPerHostMax - 1, callsFrom: now })
    await run({ ...ctx, now: () => now })
    expect(await rows()).toMatchObject([{ status: 'sent' }, { status: 'pending', attempts: 0 }])
    const { ctx: cron, notices } = withJobs()
    await sweepNotifications({ ...cron, now: () => now + 60_000 })
    expect(notices.filter(({ job }) => job.channel_id === channelId)).toHaveLength(1)
    await run({ ...ctx, now: () => now + 60_000 })
    expect(await rows()).toMatchObject([{ status: 'sent' }, { status: 'sent' }])
  })
})

describe('a notice that failed', () => {
  it('is not sent again to an address that its channel names no more, nor without end', async () => {
    const world = await createWorld()
    const member = await world.addMember('viewer')
    const { ctx } = ownerWithJobs(world)
    const { body } = await ask<{ id: string }>(world, 'POST', path, { json: { name: 'A', kind: 'email', to: [member.email] } })
    const ruleId = ctx.newId()
    await writeAll(ctx, (await newNotifications(ctx, { ruleId, notice: noticeOf(), channelIds: [body.id] })).statements)
    const own = and(eq(alertNotifications.organizationId, world.organizationId), eq(alertNotifications.ruleId, ruleId))
    await ctx.db.update(alertNotifications).set({ status: 'failed' }).where(own)
    const [row] = await ctx.db.select().from(alertNotifications).where(own)
    await ask(world, 'PATCH', `${path}/${body.id}`, { json: { to: [world.owner.email] } })
    const retry = () => retryNotification(ctx, { ruleId, id: row?.id ?? '' })
    for (let i = 0; i < notificationRetriesPerChannelMax; i++)
      await expect(retry()).rejects.toMatchObject({ detail: 'Its channel does not name the address any more.' })
    expect(await mailsTo(member.email, 'alert')).toHaveLength(1)
    await expect(retry()).rejects.toMatchObject({ code: 'rate_limited' })
  })
})

describe('an address that confirmed', () => {
  it('is forgotten once nothing names it, and not before', async () => {
    const world = await createWorld()
    const { ctx } = ownerWithJobs(world)
    const [named, inReport, gone] = [stranger(), stranger(), stranger()]
    const { body } = await ask<{ id: string }>(world, 'POST', path, { json: { name: 'A', kind: 'email', to: [named, gone] } })
    const definition = { q: '', to_emails: [inReport], cron: '0 7 * * *' }
    const report = await ask(world, 'POST', '/api/v1/reports', { json: { name: 'Daily', definition } })
    expect(report.status).toBe(201)
    const own = eq(notificationEmails.organizationId, world.organizationId)
    await ctx.db.update(notificationEmails).set({ confirmedAt: Date.now() }).where(own)
    await forgetRecipients(testCtx())
    const emails = async () => (await ctx.db.select().from(notificationEmails).where(own)).map(({ email }) => email).toSorted()
    expect(await emails()).toEqual([named, inReport, gone].toSorted())
    await ask(world, 'PATCH', `${path}/${body.id}`, { json: { to: [named] } })
    await forgetRecipients(testCtx())
    expect(await emails()).toEqual([named, inReport].toSorted())
  })
})

describe('questions to addresses', () => {
  it('are so many of one person an hour, whichever the organization', async () => {
    const world = await createWorld()
    const { ctx } = ownerWithJobs(world)
    const emails = Array.from({ length: recipientMailsPerPersonMax + 1 }, stranger)
    await writeAll(ctx, (await askRecipients(ctx, emails)).statements)
    const asked = await Promise.all(emails.map((email) => mailsTo(email, 'confirm_recipient')))
    expect(asked.flat()).toHaveLength(recipientMailsPerPersonMax)
  })
})
