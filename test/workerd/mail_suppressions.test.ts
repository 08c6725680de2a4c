import { env } from 'cloudflare:test'
import { generateKeyPairSync, sign } from 'node:crypto'
import { eq } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { mailEventWindowMs, optionalMailsPerEmailHourMax } from '../../src/core/limits.ts'
import type { MailKind, MailParams, SuppressionScope } from '../../src/core/mails.ts'
import type { BaseCtx } from '../../src/db/context.ts'
import { newMail } from '../../src/db/mails.ts'
import { users } from '../../src/db/schema.ts'
import { mails } from '../../src/db/schema_content.ts'
import { mailSuppressions } from '../../src/db/schema_jobs.ts'
import { recordSendgridEvents } from '../../src/features/suppressions/record_events.ts'
import { unsubscribeUrl } from '../../src/features/unsubscribe/token.ts'
import { sendMail } from '../../src/jobs/email_jobs.ts'
import { problemOf } from '../support/app.ts'
import { mailsTo } from '../support/mails.ts'
import { makeStaff } from '../support/tenancy.ts'
import { callFrom, createWorld, randomAddress, testCtx } from '../support/world.ts'

const path = '/api/v1/mail-suppressions'
const newEmail = () => `ann-${crypto.randomUUID()}@example.com`
const rowsOf = (email: string) => testCtx().db.select().from(mailSuppressions).where(eq(mailSuppressions.email, email))

const report: MailParams<'report'> = {
  organization_name: 'Acme',
  report: { id: 'r', name: 'Errors', q: 'error', from: '2026-11-01', to: '2026-11-02' },
  rows: 0,
  truncated: false,
  csv_key: null,
  csv_bytes: 0,
}

/** Writes a mail and does its job; answers what became of it. */
async function mailTo<K extends MailKind>(to: string, kind: K, params: MailParams<K>, ctx: BaseCtx = testCtx(), ownerId = ctx.newId()) {
  const { job, statement } = newMail(ctx, kind, { to, ownerId }, params)
  await statement
  await sendMail(ctx, job)
  const [row] = await ctx.db.select().from(mails).where(eq(mails.id, job.id))
  return {
    id: job.id,
    status: row?.status,
    error: row?.error,
    message: await (await env.STORAGE.get(`outbox/${ownerId}/${job.id}.eml`))?.text(),
  }
}

describe('staff', () => {
  it('stop mails to an address, see why none go there, and let them through again', async () => {
    const { owner, call } = await createWorld()
    await makeStaff(owner)
    const as = owner.accessToken
    const email = newEmail()
    const made = await call(path, { as, json: { email: email.toUpperCase(), detail: 'asked by phone' } })
    expect(made.status).toBe(201)
    expect(await made.json()).toMatchObject({ email, scope: 'all', reason: 'manual', detail: 'asked by phone' })
    expect(await mailTo(email, 'password_changed', { at_ms: 0 })).toMatchObject({
      status: 'suppressed',
      error: 'manual (all)',
      message: undefined,
    })
    const list = await (await call(`${path}?email=${email}`, { as })).json()
    expect(list).toMatchObject({ count: 1, results: [{ email, reason: 'manual' }] })
    const one = `${path}?email=${email}&scope=all`
    expect((await call(one, { method: 'DELETE', as })).status).toBe(204)
    expect((await call(one, { method: 'DELETE', as })).status).toBe(404)
    expect(await mailTo(email, 'password_changed', { at_ms: 0 })).toMatchObject({ status: 'sent', error: null })
  })
})

describe('mails that one can do without', () => {
  it('stop at so many an hour to one address, whoever sends them, and no other mail does', async () => {
    const email = newEmail()
    const ctx = testCtx()
    for (let i = 0; i < optionalMailsPerEmailHourMax; i++) {
      const { job, statement } = newMail(ctx, 'report', { to: email, ownerId: ctx.newId() }, report)
      await ctx.db.batch([statement, ctx.db.update(mails).set({ status: 'sent' }).where(eq(mails.id, job.id))])
    }
    expect(await mailTo(email, 'report', report)).toMatchObject({
      status: 'suppressed',
      error: expect.stringContaining('in an hour') as string,
    })
    expect(await mailTo(email, 'password_changed', { at_ms: 0 })).toMatchObject({ status: 'sent' })
    const later = { ...ctx, now: () => Date.now() + 2 * 60 * 60 * 1000 }
    expect(await mailTo(email, 'report', report, later)).toMatchObject({ status: 'sent' })
  })
})

describe('the link of a mail that ends such mails', () => {
  const post = (to: string, body: string, headers: Record<string, string> = {}) =>
    callFrom(randomAddress(), to, {
      method: 'POST',
      body,
      headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...headers },
    })
  const pathOf = (email: string, organizationId: string, scope: SuppressionScope = 'reports') => {
    const { pathname, search } = new URL(unsubscribeUrl(testCtx(), { email, scope, organizationId }))
    return pathname + search
  }

  it('stands in the mail and in its headers, and shows a page that changes nothing and may do nothing but ask', async () => {
    const email = newEmail()
    const { message = '' } = await mailTo(email, 'report', report)
    const head = (message.split('\r\n\r\n')[0] ?? '').replaceAll(/\r\n[ \t]+/g, ' ')
    expect(head).toContain('List-Unsubscribe-Post: List-Unsubscribe=One-Click')
    const url = /^List-Unsubscribe: <([^>]+)>$/m.exec(head.replaceAll('\r', ''))?.[1] ?? ''
    const { pathname, search } = new URL(url)
    const page = await callFrom(randomAddress(), pathname + search)
    expect(page.status).toBe(200)
    expect(page.headers.get('Content-Type')).toBe('text/html; charset=utf-8')
    expect(page.headers.get('Content-Security-Policy')).toBe(
      "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    )
    expect(await page.text()).toContain(`scheduled reports of Edgelog to ${email}?`)
    expect(await rowsOf(email)).toEqual([])
    expect((await mailTo(email, 'welcome', { token: 'x'.repeat(43) })).message).not.toContain('List-Unsubscribe')
  })

  it('ends them for an address that is no user, with one click from any site, once and for ever', async () => {
    const email = newEmail()
    const { organizationId } = await createWorld()
    const to = pathOf(email, organizationId)
    const cross = { 'Sec-Fetch-Site': 'cross-site', Origin: 'https://mail.example' }
    expect((await post(to, 'List-Unsubscribe=One-Click', cross)).status).toBe(200)
    expect((await post(to, 'List-Unsubscribe=One-Click')).status).toBe(200)
    expect(await rowsOf(email)).toMatchObject([{ scope: 'reports', reason: 'unsubscribe' }])
    expect(await mailTo(email, 'report', report)).toMatchObject({ status: 'suppressed', error: 'unsubscribe (reports)' })
    const entries = await env.DB.prepare("SELECT target_id FROM audit_log WHERE organization_id = ? AND action = 'mails.unsubscribe'")
      .bind(organizationId)
      .all<{ target_id: string }>()
    expect(entries.results).toEqual([{ target_id: email }])
  })

  it('turns them off in the profile of a user, who can turn them on again', async () => {
    const { owner, organizationId, call } = await createWorld()
    expect((await post(pathOf(owner.email, organizationId), 'List-Unsubscribe=One-Click')).status).toBe(200)
    expect(await rowsOf(owner.email)).toEqual([])
    const [user] = await testCtx().db.select().from(users).where(eq(users.id, owner.userId))
    expect(user?.notificationPreferences).toEqual({ reports: false })
    expect((await post(pathOf(owner.email, organizationId), 'List-Unsubscribe=One-Click')).status).toBe(200)
    // Whoever has the link did it, so the audit log does not say that the user did, who is told.
    expect(await mailsTo(owner.email, 'mails_turned_off')).toEqual([{ mails: 'reports' }])
    const { results } = await env.DB.prepare(
      "SELECT actor_kind, actor_id, details FROM audit_log WHERE organization_id = ? AND action = 'mails.unsubscribe'",
    )
      .bind(organizationId)
      .all<{ actor_kind: string; actor_id: string | null; details: string }>()
    expect(results).toEqual([
      { actor_kind: 'system', actor_id: null, details: JSON.stringify({ scope: 'reports', via: 'unsubscribe link' }) },
    ])
    expect(await mailTo(owner.email, 'report', report)).toMatchObject({ status: 'suppressed' })
    const on = { notification_preferences: { reports: true } }
    expect((await call('/api/v1/auth/me', { method: 'PATCH', as: owner.accessToken, json: on })).status).toBe(200)
    expect(await mailTo(owner.email, 'report', report)).toMatchObject({ status: 'sent' })
  })

  it('in a mail that asks whether one wants them ends all of them, the questions too', async () => {
    const email = newEmail()
    const { organizationId } = await createWorld()
    const params = { token: 'x'.repeat(43), organization_name: 'Test', asked_by: 'Owner' }
    const { message = '' } = await mailTo(email, 'confirm_recipient', params)
    expect(message).toContain('List-Unsubscribe-Post: List-Unsubscribe=One-Click')
    const path = pathOf(email, organizationId, 'all')
    expect(await (await callFrom(randomAddress(), path)).text()).toContain('questions whether they are wanted')
    expect((await post(path, 'List-Unsubscribe=One-Click')).status).toBe(200)
    expect(await rowsOf(email)).toMatchObject([{ scope: 'all', reason: 'unsubscribe' }])
    for (const [kind, given] of [
      ['confirm_recipient', params],
      ['report', report],
    ] as const)
      expect(await mailTo(email, kind, given)).toMatchObject({ status: 'suppressed', error: 'unsubscribe (all)' })
    expect(await mailTo(email, 'welcome', { token: 'x'.repeat(43) })).toMatchObject({ status: 'sent' })
  })

  it('does nothing when it was changed, is another secret of ours, or the request does not mean it', async () => {
    const email = newEmail()
    const to = pathOf(email, 'none')
    const changed = `${to.slice(0, -10)}${to.at(-10) === 'A' ? 'B' : 'A'}${to.slice(-9)}`
    for (const wrong of [changed, '/unsubscribe?token=test.AAAA', '/unsubscribe?token=other.AAAA'])
      expect(await problemOf(await post(wrong, 'List-Unsubscribe=One-Click'))).toMatchObject({
        status: 400,
        code: 'invalid_one_time_token',
      })
    for (const body of ['', 'x=y', 'List-Unsubscribe=No'])
      expect(await problemOf(await post(to, body))).toMatchObject({ status: 400, code: 'validation_failed' })
    expect(await problemOf(await post(to, `List-Unsubscribe=One-Click&x=${'x'.repeat(5000)}`))).toMatchObject({ status: 413 })
    expect(await rowsOf(email)).toEqual([])
  })
})

describe('events of SendGrid', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const key = publicKey.export({ type: 'spki', format: 'der' }).toString('base64')
  const base = testCtx()
  const ctx: BaseCtx = { ...base, config: { ...base.config, mail: { ...base.config.mail, sendgridWebhookKey: key } } }

  function signed(events: unknown, seconds = Math.floor(Date.now() / 1000), with_ = privateKey) {
    const body = new TextEncoder().encode(typeof events === 'string' ? events : JSON.stringify(events))
    const timestamp = `${seconds}`
    const signature = sign('sha256', Buffer.concat([Buffer.from(timestamp), body]), with_).toString('base64')
    return { signature, timestamp, body }
  }
  const event = (email: string, change: object) => ({ email, sg_event_id: crypto.randomUUID(), timestamp: 1, ...change })

  it('stop mails to addresses that bounce, complain or unsubscribe, and no others', async () => {
    const [bounced, blocked, spam, left, droppedOne, delivered] = Array.from({ length: 6 }, newEmail) as [
      string,
      string,
      string,
      string,
      string,
      string,
    ]
    await recordSendgridEvents(
      ctx,
      signed([
        event(bounced, { event: 'bounce', type: 'bounce', reason: '550 5.1.1 gone' }),
        event(blocked, { event: 'bounce', type: 'blocked', reason: 'later' }),
        event(spam, { event: 'spamreport' }),
        event(left, { event: 'group_unsubscribe' }),
        event(droppedOne, { event: 'dropped', reason: 'Bounced Address' }),
        event(delivered, { event: 'delivered' }),
        event('no address', { event: 'bounce' }),
        null,
      ]),
    )
    const reasons = await Promise.all(
      [bounced, blocked, spam, left, droppedOne, delivered].map(async (email) => (await rowsOf(email))[0]?.reason),
    )
    expect(reasons).toEqual(['bounce', undefined, 'complaint', 'unsubscribe', 'bounce', undefined])
    expect(await rowsOf(bounced)).toMatchObject([{ scope: 'all', detail: '550 5.1.1 gone' }])
  })

  it('show a mail that bounced as failed, and count once: what staff let through since stays so', async () => {
    const email = newEmail()
    const { id } = await mailTo(email, 'password_changed', { at_ms: 0 })
    const report = signed([event(email, { event: 'bounce', type: 'bounce', reason: '550 gone', mail_id: id })])
    await recordSendgridEvents(ctx, report)
    const [row] = await ctx.db.select().from(mails).where(eq(mails.id, id))
    expect(row).toMatchObject({ status: 'failed', error: '550 gone' })
    await ctx.db.delete(mailSuppressions).where(eq(mailSuppressions.email, email))
    await recordSendgridEvents(ctx, report)
    expect(await rowsOf(email)).toEqual([])
  })

  it('leave what stops more as it is', async () => {
    const email = newEmail()
    const spam = () => recordSendgridEvents(ctx, signed([event(email, { event: 'spamreport' })]))
    await spam()
    expect(await rowsOf(email)).toMatchObject([{ reason: 'complaint' }])
    await recordSendgridEvents(ctx, signed([event(email, { event: 'bounce', type: 'bounce' })]))
    await spam()
    expect(await rowsOf(email)).toMatchObject([{ reason: 'bounce' }])
  })

  it('are believed only with the signature of the key, over these bytes, lately', async () => {
    const email = newEmail()
    const good = signed([event(email, { event: 'bounce', type: 'bounce' })])
    const now = Math.floor(Date.now() / 1000)
    const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
    const bad = [
      { ...good, signature: undefined },
      { ...good, timestamp: undefined },
      { ...good, timestamp: `${now + 1}` },
      { ...good, body: new TextEncoder().encode(`${new TextDecoder().decode(good.body)} `) },
      { ...good, signature: 'A'.repeat(96) },
      signed([event(email, { event: 'bounce' })], now, stranger),
      signed([event(email, { event: 'bounce' })], now - mailEventWindowMs / 1000 - 5),
      signed([event(email, { event: 'bounce' })], now + mailEventWindowMs / 1000 + 5),
    ]
    for (const one of bad) await expect(recordSendgridEvents(ctx, one)).rejects.toMatchObject({ code: 'forbidden' })
    await expect(recordSendgridEvents(testCtx(), good)).rejects.toMatchObject({ code: 'not_found' })
    for (const text of ['', '{}', '[', '7'])
      await expect(recordSendgridEvents(ctx, signed(text))).rejects.toMatchObject({ code: 'validation_failed' })
    expect(await rowsOf(email)).toEqual([])
  })
})
