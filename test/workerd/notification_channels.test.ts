import { eq, sql } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { channelTestsPerChannelMax, recipientAskedEveryMs, recipientMailsPerEmailMax, recipientTokenTtlMs } from '../../src/core/limits.ts'
import { alertNotifications, notificationChannels, notificationEmails } from '../../src/db/schema_alerts.ts'
import { mails } from '../../src/db/schema_content.ts'
import { newNotifications } from '../../src/features/notification-channels/new_notifications.ts'
import { confirmedRecipients, askRecipients } from '../../src/features/notification-channels/recipients.ts'
import { mailEndedStatements } from '../../src/jobs/notify/mail_ended.ts'
import { sweepNotifications } from '../../src/jobs/notify/sweep.ts'
import { mailsTo } from '../support/mails.ts'
import { noticeOf } from '../support/notices.ts'
import type { World } from '../support/world.ts'
import { createWorld, testCtx } from '../support/world.ts'
import { ask, auditOf } from './content_world.ts'
import { ownerWithJobs } from './control_world.ts'
import { notifyWorld, receiverOf, writeAll } from './notify_world.ts'

const path = '/api/v1/notification-channels'
const hook = 'https://hooks.example.com/services/T000/B000/very-secret-part'
const stranger = () => `stranger-${crypto.randomUUID()}@example.com`

interface Channel {
  id: string
  to: { email: string; confirmed: boolean }[] | null
  secret: string | null
  secret_hint: string | null
  url_hint: string | null
  last_error: string | null
}

async function make(world: World, json: object): Promise<Channel> {
  const { status, body } = await ask<Channel>(world, 'POST', path, { json })
  if (status !== 201) throw new Error(`no channel: ${status} ${JSON.stringify(body)}`)
  return body
}

describe('a notification channel', () => {
  it('shows the signing secret of a webhook once, and of its address the host and four characters', async () => {
    const world = await createWorld()
    const made = await make(world, { name: 'Pager', kind: 'webhook', url: hook })
    expect(made.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
    const got = await ask<Channel>(world, 'GET', `${path}/${made.id}`)
    expect(got.body).toMatchObject({
      kind: 'webhook',
      host: 'hooks.example.com',
      url_hint: 'part',
      to: null,
      secret_hint: made.secret?.slice(-5, -1),
    })
    const list = await ask(world, 'GET', path)
    const [row] = await testCtx().db.select().from(notificationChannels).where(eq(notificationChannels.id, made.id))
    const audit = await auditOf(world, 'notification_channel')
    for (const text of [got.body, list.body, row, audit].map((each) => JSON.stringify(each))) {
      expect(text).not.toContain(made.secret)
      expect(text).not.toContain('very-secret')
    }
  })

  it.each(['http://example.com/', 'https://127.0.0.1/', 'https://0x7f000001/', 'https://[::1]/', 'https://metadata.google.internal/'])(
    'refuses the address %s',
    async (url) => {
      const world = await createWorld()
      for (const kind of ['webhook', 'slack']) {
        const { status, body } = await ask(world, 'POST', path, { json: { name: 'X', kind, url } })
        expect([status, body]).toMatchObject([400, { code: 'validation_failed', details: { url: [expect.any(String)] } }])
      }
      const { id } = await make(world, { name: 'X', kind: 'slack', url: hook })
      expect((await ask(world, 'PATCH', `${path}/${id}`, { json: { url } })).status).toBe(400)
    },
  )

  it('keeps its kind and its secret when name and address change, and knows who was first', async () => {
    const world = await createWorld()
    const { id, secret_hint: hint } = await make(world, { name: 'Pager', kind: 'webhook', url: hook })
    const seen = await ask(world, 'GET', `${path}/${id}`)
    const headers = { 'If-Match': seen.headers.get('ETag') ?? '' }
    const changed = await ask(world, 'PATCH', `${path}/${id}`, { json: { url: 'https://other.example.com/x' }, headers })
    expect(changed.body).toMatchObject({ name: 'Pager', host: 'other.example.com', url_hint: null, secret_hint: hint })
    expect((await ask(world, 'PATCH', `${path}/${id}`, { json: { name: 'Y' }, headers })).status).toBe(412)
    expect((await ask(world, 'PATCH', `${path}/${id}`, { json: { to: [stranger()] } })).status).toBe(400)
    expect((await ask(world, 'PUT', `${path}/${id}`, { json: { name: 'Y', kind: 'slack', url: hook } })).status).toBe(400)
    expect((await ask(world, 'PUT', `${path}/${id}`, { json: { name: 'Y', kind: 'webhook', url: hook } })).body).toMatchObject({
      name: 'Y',
    })
  })

  it('stays while a rule names it; what waits for one that is gone has failed', async () => {
    const world = await createWorld()
    const { id } = await make(world, { name: 'Pager', kind: 'slack', url: hook })
    const json = { name: 'Rule', enabled: false, definition: { threshold: 1, channel_ids: [id] } }
    const rule = await ask<{ id: string }>(world, 'POST', '/api/v1/alerts', { json })
    const refused = await ask<{ detail: string }>(world, 'DELETE', `${path}/${id}`)
    expect([refused.status, refused.body.detail]).toEqual([409, 'Alert rules name the channel: "Rule". Take it out of them first.'])
    const { ctx } = ownerWithJobs(world)
    const { statements } = await newNotifications(ctx, { ruleId: rule.body.id, notice: noticeOf(), channelIds: [id] })
    await writeAll(ctx, statements)
    await ask(world, 'DELETE', `/api/v1/alerts/${rule.body.id}`)
    expect((await ask(world, 'DELETE', `${path}/${id}`)).status).toBe(204)
    const rows = await ctx.db.select().from(alertNotifications).where(eq(alertNotifications.organizationId, world.organizationId))
    expect(rows).toMatchObject([{ status: 'failed', error: 'The channel was deleted.' }])
  })

  it('is another organization’s for everybody else', async () => {
    const [world, other] = [await createWorld(), await createWorld()]
    const { id } = await make(world, { name: 'Pager', kind: 'slack', url: hook })
    expect((await ask(other, 'GET', `${path}/${id}`)).status).toBe(404)
    const { ctx } = ownerWithJobs(other)
    expect(await newNotifications(ctx, { ruleId: id, notice: noticeOf(), channelIds: [id] })).toEqual({
      statements: [],
      jobs: [],
      mails: [],
    })
  })
})

describe('a test notice', () => {
  it('is sent at once, with what the other side said as the answer, ten times an hour', async () => {
    const receiver = await receiverOf({ status: 400, body: 'invalid_payload' }, {})
    const { world, channelId } = await notifyWorld(receiver.url)
    const test = () => ask(world, 'POST', `${path}/${channelId}/test`)
    expect((await test()).body).toEqual({
      outcome: 'failed',
      http_status: 400,
      answer: 'invalid_payload',
      error: 'It answered 400.',
      to: [],
    })
    expect((await ask<Channel>(world, 'GET', `${path}/${channelId}`)).body.last_error).toBe('It answered 400.')
    expect((await test()).body).toEqual({ outcome: 'accepted', http_status: 200, answer: 'ok', error: null, to: [] })
    expect((await ask<Channel>(world, 'GET', `${path}/${channelId}`)).body.last_error).toBeNull()
    const [first] = await receiver.received()
    expect(JSON.parse(first?.body ?? '')).toMatchObject({
      kind: 'test',
      organization: { id: world.organizationId },
      rule: { name: 'Pager' },
    })
    for (let i = 2; i < channelTestsPerChannelMax; i++) await test()
    const refused = await test()
    expect([refused.status, refused.body]).toMatchObject([429, { details: { channel_tests_per_channel: ['at most 10 in 60 minutes'] } }])
  })

  it('by e-mail goes to those who have confirmed, and says who has not', async () => {
    const world = await createWorld()
    const other = stranger()
    const { id } = await make(world, { name: 'On call', kind: 'email', to: [world.owner.email, other] })
    const { body } = await ask(world, 'POST', `${path}/${id}/test`)
    const error = '1 of 2 addresses have not confirmed yet and were sent nothing.'
    expect(body).toEqual({ outcome: 'queued', http_status: null, answer: null, error, to: [world.owner.email] })
    expect(await mailsTo(world.owner.email, 'alert')).toMatchObject([{ notice: { kind: 'test' } }])
    expect(await mailsTo(other, 'alert')).toEqual([])
  })
})

describe('an address of e-mail', () => {
  it('that is no member’s is asked once, and written to once it said yes', async () => {
    const world = await createWorld()
    const email = stranger()
    const made = await make(world, { name: 'On call', kind: 'email', to: [world.owner.email, email] })
    expect(made.to).toEqual([
      { email: world.owner.email, confirmed: true },
      { email, confirmed: false },
    ])
    expect(await mailsTo(world.owner.email, 'confirm_recipient')).toEqual([])
    const [asked, ...others] = await mailsTo(email, 'confirm_recipient')
    expect(others).toEqual([])
    expect(asked).toMatchObject({ organization_name: 'Test', asked_by: 'Owner' })
    // A change soon after asks nobody again.
    await ask(world, 'PATCH', `${path}/${made.id}`, { json: { to: [email] } })
    expect(await mailsTo(email, 'confirm_recipient')).toHaveLength(1)
    const confirm = () => world.call(`${path}/confirm-email`, { json: { token: asked?.token } })
    expect((await confirm()).status).toBe(204)
    expect((await confirm()).status).toBe(400)
    expect((await ask<Channel>(world, 'GET', `${path}/${made.id}`)).body.to).toEqual([{ email, confirmed: true }])
    // In no other organization.
    expect(await confirmedRecipients(testCtx(), (await createWorld()).organizationId, [email])).toEqual(new Set())
  })

  it('of a member who left, or never confirmed, is a stranger’s', async () => {
    const world = await createWorld()
    const member = await world.addMember('member')
    const { organizationId } = world
    expect(await confirmedRecipients(testCtx(), organizationId, [member.email])).toEqual(new Set([member.email]))
    await world.call(`/api/v1/organizations/${organizationId}/members/${member.userId}`, { method: 'DELETE', as: world.owner.accessToken })
    expect(await confirmedRecipients(testCtx(), organizationId, [member.email])).toEqual(new Set())
  })

  it('has a token that ends, and is replaced by a newer one', async () => {
    const world = await createWorld()
    const { ctx } = ownerWithJobs(world)
    const email = stranger()
    const askAt = async (ms: number) => {
      const { statements, mails: written } = await askRecipients({ ...ctx, now: () => ms }, [email])
      await writeAll(ctx, statements)
      return written
    }
    const now = Date.now()
    const longAgo = now - recipientTokenTtlMs - 1
    await askAt(longAgo)
    const confirm = (token = '') => world.call(`${path}/confirm-email`, { json: { token } })
    expect((await confirm((await mailsTo(email, 'confirm_recipient'))[0]?.token)).status).toBe(400)
    // Within a week nobody is asked again.
    await askAt(longAgo + recipientAskedEveryMs - 1)
    expect(await mailsTo(email, 'confirm_recipient')).toHaveLength(1)
    await askAt(now)
    const [first, second] = await mailsTo(email, 'confirm_recipient')
    expect((await confirm(first?.token)).status).toBe(400)
    expect((await confirm(second?.token)).status).toBe(204)
  })

  it('gets no more mails that ask than a day allows, whoever asks', async () => {
    const email = stranger()
    for (let i = 0; i <= recipientMailsPerEmailMax; i++) {
      const { ctx } = ownerWithJobs(await createWorld())
      const { statements } = await askRecipients(ctx, [email])
      await writeAll(ctx, statements)
    }
    expect(await mailsTo(email, 'confirm_recipient')).toHaveLength(recipientMailsPerEmailMax)
    const rows = await testCtx().db.select().from(notificationEmails).where(eq(notificationEmails.email, email))
    expect(rows).toHaveLength(recipientMailsPerEmailMax)
  })
})

describe('a notice by e-mail', () => {
  it('is one mail an address, in however many channels that is, and follows its mail', async () => {
    const world = await createWorld()
    const member = await world.addMember('viewer')
    const other = stranger()
    const channelIds = [
      (await make(world, { name: 'A', kind: 'email', to: [world.owner.email, member.email] })).id,
      (await make(world, { name: 'B', kind: 'email', to: [world.owner.email, other] })).id,
    ]
    const { ctx } = ownerWithJobs(world)
    const ruleId = ctx.newId()
    const added = await newNotifications(ctx, { ruleId, notice: noticeOf(), channelIds })
    expect(added.jobs).toEqual([])
    await writeAll(ctx, added.statements)
    const rows = () => ctx.db.select().from(alertNotifications).where(eq(alertNotifications.ruleId, ruleId)).orderBy(alertNotifications.id)
    const states = async () => {
      const found = (await rows()).map(({ recipient, status, error }) => [recipient ?? '', [status, error]] as const)
      return Object.fromEntries(found) as Record<string, readonly [string, string | null]>
    }
    const unconfirmed = ['failed', 'The address has not confirmed that it wants mails of this organization.']
    expect(await states()).toEqual({ [world.owner.email]: ['pending', null], [member.email]: ['pending', null], [other]: unconfirmed })
    const written = await ctx.db.select().from(mails).where(eq(mails.ownerId, world.organizationId))
    expect(written.filter(({ kind }) => kind === 'alert')).toHaveLength(2)
    const idOf = async (email: string) => (await rows()).find(({ recipient }) => recipient === email)?.id ?? ''
    const mail = { kind: 'alert', ownerId: world.organizationId } as const
    const sent = mailEndedStatements(ctx, { ...mail, id: await idOf(world.owner.email), status: 'sent', error: null })
    await writeAll(ctx, sent)
    // The other one ended without a word: the sweep sees it.
    await ctx.db
      .update(mails)
      .set({ status: 'suppressed', error: 'unsubscribed' })
      .where(eq(mails.id, await idOf(member.email)))
    await sweepNotifications({ ...ctx, now: () => Date.now() + 3 * 60 * 1000 })
    expect(await states()).toMatchObject({ [world.owner.email]: ['sent', null], [member.email]: ['failed', 'unsubscribed'] })
  })

  it('is not written when the act it tells of did not happen', async () => {
    const world = await createWorld()
    const { id } = await make(world, { name: 'A', kind: 'email', to: [world.owner.email] })
    const { ctx } = ownerWithJobs(world)
    const source = sql`from ${notificationChannels} where ${eq(notificationChannels.id, ctx.newId())}`
    const { statements } = await newNotifications(ctx, { ruleId: ctx.newId(), notice: noticeOf(), channelIds: [id], source })
    await writeAll(ctx, statements)
    expect(await mailsTo(world.owner.email, 'alert')).toEqual([])
    const rows = await ctx.db.select().from(alertNotifications).where(eq(alertNotifications.organizationId, world.organizationId))
    expect(rows).toEqual([])
  })
})
