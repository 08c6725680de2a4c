import { env } from 'cloudflare:test'
import { eq } from 'drizzle-orm'
import { beforeAll, describe, expect, it } from 'vitest'
import { reportDispatchPerOrganizationMax, reportFilesKeptMs, reportLeaseMs, reportRunsAskedMax } from '../../src/core/limits.ts'
import type { ProblemError } from '../../src/core/problems.ts'
import { reportRuns, reports } from '../../src/db/schema_jobs.ts'
import { reportFileKey } from '../../src/features/reports/report.ts'
import { runReport } from '../../src/features/reports/run.ts'
import { dispatchReports } from '../../src/jobs/report.ts'
import { storedReportFile } from '../../src/jobs/report_file.ts'
import { claimRun, forgetReportFiles } from '../../src/jobs/report_runs.ts'
import { createWorld, testCtx } from '../support/world.ts'
import type { World } from '../support/world.ts'
import { auditOf, deliver, ownerWithJobs, withJobs } from './control_world.ts'
import { createReport, reportJob, reportMails } from './report_world.ts'

const db = testCtx().db
const hourMs = 3_600_000

let world: World
beforeAll(async () => {
  world = await createWorld()
  const { key } = await world.createKey('ingest')
  const reply = await world.call('/api/v1/logs', { as: key, json: [{ message: 'first', severity: 'ERROR' }] })
  if (reply.status !== 202) throw new Error(`the logs were not taken: ${reply.status}`)
})

const create = () => createReport(world)
const jobOf = (id: string, dueMs: number) => reportJob(world, id, dueMs)
const mailsOf = (id: string) => reportMails(world, id)

describe('a run', () => {
  const at = (now: number) => ({ ...ownerWithJobs(world).ctx, now: () => now, requestId: crypto.randomUUID() })

  it('is searched by one of the deliveries at the same time; one that died is taken over', async () => {
    const report = await create()
    const due = Date.now()
    const job = jobOf(report.id, due)
    const run = { organizationId: world.organizationId, reportId: report.id, dueAt: due }
    // Its job dies.
    expect(await claimRun(at(due), run)).toBe(true)
    expect(await deliver(withJobs().ctx, job)).toBe('retried')
    expect(await mailsOf(report.id)).toEqual([])
    const later = { ...withJobs().ctx, now: () => due + reportLeaseMs + 1 }
    const both = await Promise.all([deliver(later, job), deliver(later, job)])
    expect(both).toContain('acked')
    expect(await deliver(later, job)).toBe('acked')
    expect(await mailsOf(report.id)).toHaveLength(1)
    expect((await auditOf(world, 'report.send')).filter((entry) => entry.target_id === report.id)).toHaveLength(1)
  })

  it('is asked for once a minute, and so often an hour, of an organization', async () => {
    const [first, second] = [await create(), await create()]
    const codes = async (now: number, ids: readonly string[]) =>
      (await Promise.allSettled(ids.map((id) => runReport(at(now), id)))).map((each) =>
        each.status === 'fulfilled' ? 'sent' : (each.reason as ProblemError).details,
      )
    const begin = Math.ceil(Date.now() / 60_000) * 60_000
    const minute = { report_runs_per_minute: ['at most 1 in a minute'] }
    expect((await codes(begin, [first.id, first.id, first.id])).toSorted((a) => (a === 'sent' ? -1 : 1))).toEqual(['sent', minute, minute])
    expect(await codes(begin + 59_000, [first.id])).toEqual([minute])
    for (let i = 1; i < reportRunsAskedMax; i++) expect(await codes(begin + i * 60_000, [first.id])).toEqual(['sent'])
    const hour = { report_runs_per_hour: [`at most ${reportRunsAskedMax} in 60 minutes`] }
    expect(await codes(begin + 59 * 60_000, [second.id])).toEqual([hour])
    expect(await codes(begin + 60 * 60_000, [second.id])).toEqual(['sent'])
    expect((await auditOf(world, 'report.run')).filter((entry) => entry.target_id === first.id)).toHaveLength(reportRunsAskedMax)
  })

  it('that could not be sent to its queue may be asked for again', async () => {
    const report = await create()
    const ctx = at(Date.now() + 10 * hourMs)
    const down = { sendBatch: () => Promise.reject(new Error('the queue is down')) }
    const failing = new Proxy(ctx.env, { get: (from, name) => (name === 'TASK_JOBS' ? down : (Reflect.get(from, name) as unknown)) })
    await expect(runReport({ ...ctx, env: failing }, report.id)).rejects.toThrow('the queue is down')
    await runReport(ctx, report.id)
  })

  it('leaves a file that goes when its time is over, whether the report runs again or not', async () => {
    const report = await create()
    const due = Date.now()
    await deliver(withJobs().ctx, jobOf(report.id, due))
    const key = reportFileKey({ organizationId: world.organizationId, reportId: report.id, dueAt: due })
    await forgetReportFiles(testCtx())
    expect(await env.STORAGE.head(key)).not.toBeNull()
    const ofReport = eq(reportRuns.reportId, report.id)
    const [row] = await db.select().from(reportRuns).where(ofReport)
    expect((row?.keptUntil ?? 0) - Date.now()).toBeLessThanOrEqual(reportFilesKeptMs)
    await db.update(reportRuns).set({ keptUntil: Date.now() }).where(ofReport)
    await forgetReportFiles(testCtx())
    expect([await env.STORAGE.head(key), await db.$count(reportRuns, ofReport)]).toEqual([null, 0])
  })

  it('keeps the file that is there, and says of it what is in it', async () => {
    const key = `org/${world.organizationId}/reports/${crypto.randomUUID()}/1.csv`
    const made = (text: string, rows: number) => async () => ({
      bytes: new TextEncoder().encode(text),
      rows,
      truncated: rows > 1,
      from: 'a',
      to: 'b',
    })
    const first = await storedReportFile({ env }, key, made('first', 2))
    expect(first).toEqual({ key, bytes: 5, rows: 2, truncated: true, from: 'a', to: 'b' })
    expect(await storedReportFile({ env }, key, made('another', 1))).toEqual(first)
    const twice = await Promise.all(['x', 'yy'].map((text) => storedReportFile({ env }, `${key}2`, made(text, text.length))))
    const bytes = (await env.STORAGE.head(`${key}2`))?.size
    expect(twice.map((file) => [file.bytes, file.rows])).toEqual([
      [bytes, bytes],
      [bytes, bytes],
    ])
  })
})

it('an organization with many reports at one moment does not keep those of others waiting', async () => {
  const other = await createWorld()
  // Long before all other reports of this storage.
  const nextAt = 1_000_000
  const values = (organizationId: string, ms: number) => {
    const definition = { cron: '0 8 * * *', time_zone: 'UTC', to_emails: [] }
    const times = { nextAt: ms, createdAt: 0, updatedAt: 0 }
    return { organizationId, id: crypto.randomUUID(), name: 'Many', enabled: true, definition, createdBy: 'x', ...times }
  }
  for (let i = 0; i < reportDispatchPerOrganizationMax + 2; i++) await db.insert(reports).values(values(world.organizationId, nextAt))
  await db.insert(reports).values(values(other.organizationId, nextAt + 1))
  const { ctx, sent } = withJobs()
  const run = async () => {
    await dispatchReports({ ...ctx, now: () => nextAt + 2 })
    return sent.splice(0).map(({ job }) => ('organization_id' in job ? job.organization_id : ''))
  }
  const first = await run()
  expect(first.indexOf(other.organizationId)).toBe(1)
  expect(first).toHaveLength(reportDispatchPerOrganizationMax + 1)
  expect(await run()).toEqual([world.organizationId, world.organizationId])
})
