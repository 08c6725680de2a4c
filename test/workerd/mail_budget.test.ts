import { env } from 'cloudflare:test'
import { asc, eq } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { uuidv7 } from '../../src/core/ids.ts'
import { organizationMailsDayMax, organizationMailsHourMax } from '../../src/core/limits.ts'
import type { TenantCtx } from '../../src/db/context.ts'
import { isWritten, mailBudgetSpent, newMail, unwritten } from '../../src/db/mails.ts'
import { alertNotifications } from '../../src/db/schema_alerts.ts'
import { mails } from '../../src/db/schema_content.ts'
import { newNotifications } from '../../src/features/notification-channels/new_notifications.ts'
import { retryNotification } from '../../src/features/notification-channels/retry_notification.ts'
import { mailEndedStatements } from '../../src/jobs/notify/mail_ended.ts'
import { mailsTo } from '../support/mails.ts'
import { noticeOf } from '../support/notices.ts'
import { createWorld } from '../support/world.ts'
import type { World } from '../support/world.ts'
import { ask, auditOf } from './content_world.ts'
import { deliver, ownerWithJobs, withJobs } from './control_world.ts'
import { notifyWorld, receiverOf, writeAll } from './notify_world.ts'
import { createReport, readReport, reportJob } from './report_world.ts'

const hourMs = 60 * 60 * 1000
const path = '/api/v1/notification-channels'

/** What the organization sent already, all at one moment. */
async function sent(ownerId: string, count: number, at: number): Promise<void> {
  await env.DB.prepare(
    `with recursive n(i) as (select 1 union all select i + 1 from n where i < ?1)
     insert into mails (id, kind, recipient, owner_id, sealed_params, status, created_at, updated_at)
     select ?2 || '-' || i, case i % 2 when 0 then 'alert' else 'report' end, 'somebody@example.com', ?2, '', 'sent', ?3, ?3 from n`,
  )
    .bind(count, ownerId, at)
    .run()
}

interface MailWorld {
  world: World
  ctx: TenantCtx
  channelId: string
  tell(at?: TenantCtx): Promise<string>
  row(ruleId: string): Promise<typeof alertNotifications.$inferSelect | undefined>
}

/** An organization whose rules tell their owner by e-mail. */
async function mailWorld(): Promise<MailWorld> {
  const world = await createWorld()
  const { ctx } = ownerWithJobs(world)
  const json = { name: 'On call', kind: 'email', to: [world.owner.email] }
  const { status, body } = await ask<{ id: string }>(world, 'POST', path, { json })
  if (status !== 201) throw new Error(`no channel: ${status}`)
  return {
    world,
    ctx,
    channelId: body.id,
    async tell(at = ctx) {
      const ruleId = uuidv7(Date.now())
      const { statements } = await newNotifications(at, { ruleId, notice: withLogs(), channelIds: [body.id] })
      await writeAll(at, statements)
      return ruleId
    },
    row: async (ruleId) => (await rowsOf(ctx, ruleId))[0],
  }
}

const rowsOf = ({ db }: TenantCtx, ruleId: string) =>
  db.select().from(alertNotifications).where(eq(alertNotifications.ruleId, ruleId)).orderBy(asc(alertNotifications.id))

function withLogs() {
  return noticeOf({
    groups: [{ group: { source: 'ann@example.com' }, state: 'firing', value: 3, since: '2026-11-22T17:05:00.000Z', logs_url: 'https://x' }],
    logs: [{ id: 'l', timestamp: '2026-11-22T17:05:00.000Z', severity: 'ERROR', source: 'shop', message: 'card of Ann refused' }],
  })
}

describe('the mails of an organization', () => {
  it('end with its budget of the hour, and the notification says why; another organization goes on', async () => {
    const [full, other] = [await mailWorld(), await mailWorld()]
    const now = full.ctx.now()
    await sent(full.world.organizationId, organizationMailsHourMax - 1, now - hourMs + 60_000)
    expect(await full.row(await full.tell())).toMatchObject({ status: 'pending' })
    const refused = await full.tell()
    expect(await full.row(refused)).toMatchObject({ status: 'failed', error: mailBudgetSpent, notice: { logs: [] } })
    expect(await mailsTo(full.world.owner.email, 'alert')).toHaveLength(1)
    expect(await other.row(await other.tell())).toMatchObject({ status: 'pending' })
    expect(await full.row(await full.tell({ ...full.ctx, now: () => now + hourMs }))).toMatchObject({ status: 'pending' })
  })

  it('end with its budget of the day', async () => {
    const { world, ctx, tell, row } = await mailWorld()
    await sent(world.organizationId, organizationMailsDayMax, ctx.now() - 20 * hourMs)
    expect(await row(await tell())).toMatchObject({ status: 'failed', error: mailBudgetSpent })
    expect(await row(await tell({ ...ctx, now: () => Date.now() + 5 * hourMs }))).toMatchObject({ status: 'pending' })
  })

  it('are refused at a retry and a test of a channel too, which say so and leave nothing behind', async () => {
    const { world, ctx, tell, row, channelId } = await mailWorld()
    await sent(world.organizationId, organizationMailsHourMax, ctx.now())
    const ruleId = await tell()
    const id = (await row(ruleId))?.id ?? ''
    await expect(retryNotification(ctx, { ruleId, id })).rejects.toMatchObject({ code: 'conflict', detail: mailBudgetSpent })
    expect(await row(ruleId)).toMatchObject({ id, status: 'failed' })
    expect(await auditOf(world, 'alert_notification')).toEqual([])
    const { body } = await ask(world, 'POST', `${path}/${channelId}/test`)
    expect(body).toMatchObject({ outcome: 'failed', error: mailBudgetSpent, to: [] })
  })

  it('are refused to a report, which says how many', async () => {
    const { world, ctx } = await mailWorld()
    const report = await createReport(world)
    await sent(world.organizationId, organizationMailsHourMax, ctx.now())
    expect(await deliver(withJobs().ctx, reportJob(world, report.id, ctx.now()))).toBe('acked')
    expect((await readReport(world, report.id)).last_error).toBe(`1 of 1 mails were not sent. ${mailBudgetSpent}`)
    expect(await mailsTo(world.owner.email, 'report')).toEqual([])
  })

  it('bind no mail that somebody needs, and those not written can be counted', async () => {
    const { world, ctx } = await mailWorld()
    const [to, ownerId] = [world.owner.email, world.organizationId]
    await sent(ownerId, organizationMailsHourMax, ctx.now())
    const invitation = newMail(ctx, 'invitation', { to, ownerId }, { token: 't', organization_name: 'O', invited_by: 'A', role: 'viewer' })
    const [alert, once] = [{ notice: withLogs() }, crypto.randomUUID()]
    const refused = newMail(ctx, 'alert', { to, ownerId, onceKey: once }, alert)
    await ctx.db.batch([invitation.statement, refused.statement])
    const [seen] = await ctx.db
      .select({ invited: isWritten(invitation), missing: unwritten([once, 'never']) })
      .from(mails)
      .limit(1)
    expect(seen).toMatchObject({ invited: 1, missing: 2 })
  })

  it('are counted in an index alone', async () => {
    const { results } = await env.DB.prepare(
      `explain query plan select count(*) from mails where owner_id = 'o' and kind in ('alert', 'report') and created_at > 1`,
    ).all<{ detail: string }>()
    expect(results.map(({ detail }) => detail).join()).toContain('USING COVERING INDEX mails_owner')
  })
})

describe('a notification that has ended', () => {
  it('forgets its logs and the values of its groups once it was sent', async () => {
    const { world, ctx, tell, row } = await mailWorld()
    const ruleId = await tell()
    const waiting = await row(ruleId)
    expect(JSON.stringify(waiting?.notice)).toMatch(/ann@example.com.*card of Ann/)
    const ended = { kind: 'alert', id: waiting?.id ?? '', ownerId: world.organizationId, status: 'sent', error: null } as const
    await writeAll(ctx, mailEndedStatements(ctx, ended))
    const after = await row(ruleId)
    expect(after).toMatchObject({ status: 'sent', notice: { id: waiting?.notice['id'], kind: 'firing', logs: [], groups: [] } })
  })

  it('forgets its logs once it failed, and can still be sent again', async () => {
    const receiver = await receiverOf({ status: 400 }, { status: 200 })
    const { ctx, tell, run, rows, ruleId } = await notifyWorld(receiver.url)
    await tell(withLogs())
    await run()
    const [failed] = await rows()
    expect(failed).toMatchObject({ status: 'failed', notice: { logs: [], groups: [{ group: { source: 'ann@example.com' } }] } })
    await retryNotification(ctx, { ruleId, id: failed?.id ?? '' })
    await run()
    expect(await rows()).toMatchObject([{ status: 'sent', notice: { logs: [], groups: [] } }])
    expect((await receiver.received()).map(({ body }) => body.includes('ann@example.com'))).toEqual([true, true])
  })
})
