import { env } from 'cloudflare:test'
import { eq } from 'drizzle-orm'
import { beforeAll, describe, expect, it } from 'vitest'
import { memberships } from '../../src/db/schema.ts'
import { notificationEmails } from '../../src/db/schema_alerts.ts'
import { mails } from '../../src/db/schema_content.ts'
import { reports } from '../../src/db/schema_jobs.ts'
import { dispatchReports } from '../../src/jobs/report.ts'
import { createWorld, testCtx } from '../support/world.ts'
import type { World } from '../support/world.ts'
import { auditOf, deliver, withJobs } from './control_world.ts'
import { createReport, readReport, reportJob, reportMails, writeReport } from './report_world.ts'
import type { Report } from './report_world.ts'

const db = testCtx().db
const hourMs = 3_600_000

let world: World
beforeAll(async () => {
  world = await createWorld()
  const { key } = await world.createKey('ingest')
  const json = ['first', 'second', '=third()'].map((message) => ({ message, severity: 'ERROR', user: 'ann' }))
  const reply = await world.call('/api/v1/logs', { as: key, json: [...json, { message: 'fine', severity: 'INFO' }] })
  if (reply.status !== 202) throw new Error(`the logs were not taken: ${reply.status}`)
})

const write = (definition: Record<string, unknown>, as = world.owner.accessToken) => writeReport(world, definition, as)
const create = (definition?: Record<string, unknown>) => createReport(world, definition)
const read = (id: string) => readReport(world, id)
const jobOf = (id: string, dueMs: number) => reportJob(world, id, dueMs)
const mailsOf = (id: string) => reportMails(world, id)

describe('a scheduled report', () => {
  it('mails what it finds as CSV to those who may have it, once for each time that it is due', async () => {
    const report = await create()
    expect(report.next_at).toMatch(/T08:00:00\.000Z$/)
    const due = Date.now()
    for (let i = 0; i < 3; i++) expect(await deliver(withJobs().ctx, jobOf(report.id, due))).toBe('acked')
    const sent = await mailsOf(report.id)
    expect(sent).toMatchObject([{ to: world.owner.email, params: { rows: 3, truncated: false, report: { name: 'Errors' } } }])
    const file = await env.STORAGE.get(sent[0]!.params.csv_key)
    expect((await file?.text())?.split('\r\n').toSorted()).toEqual(['', "'=third(),ann", 'first,ann', 'message,user', 'second,ann'])
    expect(await read(report.id)).toMatchObject({ last_rows: 3, last_error: null, last_run_at: new Date(due).toISOString() })
    const audit = await world.call('/api/v1/audit-log?action=report.send', { as: world.owner.accessToken })
    expect(await audit.json()).toMatchObject({ results: [{ target: { id: report.id } }] })
  })

  it('asks an address of nobody here first, and writes to it once its owner agreed', async () => {
    const other = `team-${crypto.randomUUID()}@example.com`
    const report = await create({ to_emails: [other] })
    expect(await deliver(withJobs().ctx, jobOf(report.id, 1))).toBe('acked')
    expect(await read(report.id)).toMatchObject({ last_error: expect.stringContaining('None of its addresses') as string })
    const asked = await db.select({ kind: mails.kind }).from(mails).where(eq(mails.recipient, other))
    expect(asked).toEqual([{ kind: 'confirm_recipient' }])
    await db.update(notificationEmails).set({ confirmedAt: 1 }).where(eq(notificationEmails.email, other))
    expect(await deliver(withJobs().ctx, jobOf(report.id, Date.now()))).toBe('acked')
    expect(await mailsOf(report.id)).toMatchObject([{ to: other }])
    expect((await read(report.id)).last_error).toBeNull()
  })

  it('holds as many rows as it says, and tells that there are more', async () => {
    const report = await create({ rows_max: 2 })
    await deliver(withJobs().ctx, jobOf(report.id, Date.now()))
    expect(await mailsOf(report.id)).toMatchObject([{ params: { rows: 2, truncated: true } }])
  })

  it('says so by mail when nothing matches, without a file', async () => {
    const report = await create({ q: 'severity:FATAL' })
    await deliver(withJobs().ctx, jobOf(report.id, Date.now()))
    expect(await mailsOf(report.id)).toMatchObject([{ params: { rows: 0, csv_key: null } }])
  })

  it('that cannot be run says why, and is not tried again', async () => {
    const report = await create()
    const [row] = await db.select().from(reports).where(eq(reports.id, report.id))
    await db
      .update(reports)
      .set({ definition: { ...row?.definition, q: '(' } })
      .where(eq(reports.id, report.id))
    expect(await deliver(withJobs().ctx, jobOf(report.id, Date.now()))).toBe('acked')
    expect((await read(report.id)).last_error).not.toBeNull()
    expect(await mailsOf(report.id)).toEqual([])
  })

  it('of a storage in trouble is tried again', async () => {
    const report = await create()
    const { ctx } = withJobs()
    const down = { head: () => Promise.reject(new Error('R2 is down')) }
    const failing = new Proxy(ctx.env, { get: (from, name) => (name === 'STORAGE' ? down : (Reflect.get(from, name) as unknown)) })
    expect(await deliver({ ...ctx, env: failing }, jobOf(report.id, 5))).toBe('retried')
    expect(await mailsOf(report.id)).toEqual([])
  })

  it('is sent on when it is due, once, and then waits for its next time', async () => {
    const report = await create()
    const dueMs = Date.parse(report.next_at ?? '')
    const run = async (now: number) => {
      const { ctx, sent } = withJobs()
      await dispatchReports({ ...ctx, now: () => now })
      return sent.filter(({ job }) => job.kind === 'report' && job.report_id === report.id)
    }
    expect(await run(dueMs - 1)).toEqual([])
    expect(await run(dueMs)).toMatchObject([{ job: { due_ms: dueMs } }])
    expect(await run(dueMs + 60_000)).toEqual([])
    // What was missed for three days goes out once.
    expect(await run(dueMs + 72 * hourMs + 1)).toMatchObject([{ job: { due_ms: dueMs + 24 * hourMs } }])
    expect((await read(report.id)).next_at).toBe(new Date(dueMs + 96 * hourMs).toISOString())
    await world.call(`/api/v1/reports/${report.id}`, { method: 'PATCH', as: world.owner.accessToken, json: { enabled: false } })
    expect((await read(report.id)).next_at).toBeNull()
    expect(await run(dueMs + 999 * hourMs)).toEqual([])
  })

  it('that is deleted leaves no file and sends nothing any more', async () => {
    const report = await create()
    await deliver(withJobs().ctx, jobOf(report.id, Date.now()))
    const prefix = `org/${world.organizationId}/reports/${report.id}/`
    expect((await env.STORAGE.list({ prefix })).objects).toHaveLength(1)
    const reply = await world.call(`/api/v1/reports/${report.id}`, { method: 'DELETE', as: world.owner.accessToken })
    expect(reply.status).toBe(204)
    expect((await env.STORAGE.list({ prefix })).objects).toEqual([])
    expect(await deliver(withJobs().ctx, jobOf(report.id, Date.now() + 60_000))).toBe('acked')
    expect(await mailsOf(report.id)).toHaveLength(1)
  })
})

describe('what a report may carry out of the organization', () => {
  const outside = 'someone@elsewhere.example'

  it('goes to others than members only when an admin names them; what is named already stays', async () => {
    const member = await world.addMember('member')
    const as = member.accessToken
    const refused = await write({ to_emails: [world.owner.email, outside] }, as)
    expect([refused.status, await refused.json()]).toMatchObject([403, { detail: expect.stringContaining(outside) as string }])
    expect((await write({ to_emails: [world.owner.email] }, as)).status).toBe(201)
    const report = await create({ to_emails: [outside] })
    const change = async (json: unknown) => (await world.call(`/api/v1/reports/${report.id}`, { method: 'PATCH', as, json })).status
    const definition = { cron: '0 9 * * *', to_emails: [outside] }
    expect(await change({ name: 'Renamed', definition })).toBe(200)
    expect(await change({ definition: { ...definition, to_emails: [outside, 'other@elsewhere.example'] } })).toBe(403)
  })

  it('ends with the membership of who made it, until somebody else takes it over', async () => {
    const member = await world.addMember('member')
    const own = await (await write({}, member.accessToken)).json<Report>()
    const outsideToo = { to_emails: [world.owner.email, outside], cron: '0 8 * * *' }
    const patch = (json: unknown, as = world.owner.accessToken) => world.call(`/api/v1/reports/${own.id}`, { method: 'PATCH', as, json })
    expect((await patch({ definition: outsideToo })).status).toBe(200)
    await db.delete(memberships).where(eq(memberships.userId, member.userId))
    const due = Date.now()
    expect(await deliver(withJobs().ctx, jobOf(own.id, due))).toBe('acked')
    expect(await mailsOf(own.id)).toEqual([])
    expect(await read(own.id)).toMatchObject({
      enabled: false,
      next_at: null,
      last_error: expect.stringContaining('Who made it') as string,
    })
    expect((await auditOf(world, 'report.disable')).map((entry) => entry.target_id)).toEqual([own.id])
    const colleague = await world.addMember('member')
    // Taking it over is naming its addresses.
    expect((await patch({ enabled: true }, colleague.accessToken)).status).toBe(403)
    expect(await (await patch({ enabled: true })).json()).toMatchObject({ enabled: true, created_by: world.owner.userId })
    await deliver(withJobs().ctx, jobOf(own.id, due + 1))
    expect(await mailsOf(own.id)).toMatchObject([{ to: world.owner.email }])
  })
})

it.each([
  [{ cron: '*/30 * * * *' }, 'definition.cron'],
  [{ cron: '0,59 * * * *' }, 'definition.cron'],
  [{ cron: 'whenever' }, 'definition.cron'],
  [{ time_zone: 'Mars/Olympus' }, 'definition.time_zone'],
  [{ to_emails: [] }, 'definition.to_emails'],
  [{ to_emails: ['a@example.com', 'A@example.com'] }, 'definition.to_emails'],
  [{ q: '(' }, 'definition.q'],
  [{ from: 'now', to: 'now-1d' }, 'definition.from'],
])('a report with %o is refused', async (definition, field) => {
  const reply = await write(definition)
  expect(reply.status).toBe(400)
  expect(Object.keys((await reply.json<{ details: object }>()).details)[0]).toContain(field)
})
