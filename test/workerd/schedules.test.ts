import { createExecutionContext, createScheduledController, env } from 'cloudflare:test'
import { eq } from 'drizzle-orm'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { minuteScheduleRunMsMax, scheduleLeaseMarginMs } from '../../src/core/limits.ts'
import type { BaseCtx } from '../../src/db/context.ts'
import { schedules as table } from '../../src/db/schema_jobs.ts'
import { runSchedules } from '../../src/jobs/schedule_run.ts'
import type { Schedule } from '../../src/jobs/schedule_run.ts'
import { schedules } from '../../src/jobs/schedules.ts'
import worker from '../../src/worker.ts'
import { parseExposition } from '../support/exposition.ts'
import { callFrom, randomAddress, testCtx } from '../support/world.ts'

const minutely = '* * * * *'
const leaseMs = minuteScheduleRunMsMax + scheduleLeaseMarginMs

/** A schedule that no other test knows. */
const scheduleOf = (run: Schedule['run']): Schedule => ({ name: `test-${crypto.randomUUID()}`, cron: minutely, run })
const rowOf = async ({ name }: Schedule) => (await testCtx().db.select().from(table).where(eq(table.name, name)))[0]
const at = (ms: number): BaseCtx => ({ ...testCtx(), now: () => ms })

/** A promise to be settled from outside. */
function gate() {
  let open: () => void = () => undefined
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { open, opened }
}

afterEach(() => vi.restoreAllMocks())

describe('a schedule', () => {
  it('writes down when it ran, for how long, and how it ended', async () => {
    let now = 1_000
    const ctx: BaseCtx = { ...testCtx(), now: () => now }
    const one = scheduleOf(async () => void (now += 250))
    await runSchedules(ctx, minutely, [one])
    expect(await rowOf(one)).toMatchObject({ startedAt: 1_000, endedAt: 1_250, durationMs: 250, outcome: 'ok', error: null })
    expect(await rowOf(one)).toMatchObject({
      runs: 1,
      failures: 0,
      skips: 0,
      succeededAt: 1_250,
      knownAt: 1_000,
      leaseId: null,
      leaseUntil: 0,
    })
  })

  it('that fails says why, keeps its last success, and keeps no other from its turn', async () => {
    const ran: string[] = []
    const good = scheduleOf(async () => void ran.push('good'))
    let isBroken = false
    const bad = scheduleOf(async () => {
      if (isBroken) throw new Error('out of paper')
    })
    await runSchedules(at(1_000), minutely, [bad, good])
    isBroken = true
    await expect(runSchedules(at(61_000), minutely, [bad, good])).rejects.toThrow('out of paper')
    expect(ran).toEqual(['good', 'good'])
    expect(await rowOf(bad)).toMatchObject({
      outcome: 'failed',
      error: 'out of paper',
      runs: 2,
      failures: 1,
      succeededAt: 1_000,
      leaseId: null,
    })
    expect(await rowOf(good)).toMatchObject({ outcome: 'ok', runs: 2, failures: 0, succeededAt: 61_000 })
  })

  it('tells of all that failed', async () => {
    const bad = (text: string) => scheduleOf(() => Promise.reject(new Error(text)))
    const error = await runSchedules(at(0), minutely, [bad('one'), bad('two')]).catch((reason: unknown) => reason)
    expect((error as AggregateError).errors).toMatchObject([{ message: 'one' }, { message: 'two' }])
  })

  it('never runs twice at a time: who comes meanwhile is skipped, which shows', async () => {
    const { open, opened } = gate()
    let [running, most] = [0, 0]
    const one = scheduleOf(async () => {
      most = Math.max(most, ++running)
      await opened
      running--
    })
    const first = runSchedules(at(1_000), minutely, [one])
    const lines = vi.spyOn(console, 'log')
    await vi.waitFor(async () => expect((await rowOf(one))?.leaseUntil).toBe(1_000 + leaseMs))
    await runSchedules(at(61_000), minutely, [one])
    expect(await rowOf(one)).toMatchObject({ runs: 1, skips: 1, skippedAt: 61_000, startedAt: 1_000 })
    expect(lines.mock.calls.filter(([line]) => String(line).includes('schedule skipped') && String(line).includes(one.name))).toHaveLength(
      1,
    )
    open()
    await first
    await Promise.all(Array.from({ length: 5 }, () => runSchedules(at(121_000), minutely, [one])))
    expect(most).toBe(1)
  })

  it('whose run was killed is free again once its lease is over, and counts as failed', async () => {
    const one = scheduleOf(async () => undefined)
    await runSchedules(at(1_000), minutely, [one])
    await testCtx()
      .db.update(table)
      .set({ leaseId: 'killed', leaseUntil: 61_000 + leaseMs })
      .where(eq(table.name, one.name))
    await runSchedules(at(61_000 + leaseMs - 1), minutely, [one])
    expect(await rowOf(one)).toMatchObject({ runs: 1, skips: 1, failures: 0 })
    await runSchedules(at(61_000 + leaseMs), minutely, [one])
    expect(await rowOf(one)).toMatchObject({ runs: 2, skips: 1, failures: 1, outcome: 'ok' })
  })

  it('is not held for long by who had a clock that was far ahead', async () => {
    const one = scheduleOf(async () => undefined)
    await runSchedules(at(1_000), minutely, [one])
    await testCtx().db.update(table).set({ leaseId: 'ahead', leaseUntil: 1e12 }).where(eq(table.name, one.name))
    await runSchedules(at(61_000), minutely, [one])
    expect(await rowOf(one)).toMatchObject({ runs: 2, skips: 0 })
  })

  it('that was taken over writes nothing down at its late end', async () => {
    const { open, opened } = gate()
    let isFirst = true
    const one = scheduleOf(async () => {
      if (!isFirst) return
      isFirst = false
      await opened
      throw new Error('too late')
    })
    const late = runSchedules(at(1_000), minutely, [one])
    await vi.waitFor(async () => expect((await rowOf(one))?.runs).toBe(1))
    await runSchedules(at(1_000 + leaseMs), minutely, [one])
    open()
    await expect(late).rejects.toThrow('too late')
    expect(await rowOf(one)).toMatchObject({ outcome: 'ok', error: null, runs: 2, failures: 1 })
  })

  it('gives what it begins, and what it logs, an id of its own', async () => {
    const seen: string[] = []
    const lines = vi.spyOn(console, 'log')
    const [one, two] = [0, 1].map(() => scheduleOf(async ({ requestId, log }) => (log.add({ sent: 3 }), void seen.push(requestId))))
    const base = testCtx()
    await runSchedules(base, minutely, [one!, two!])
    expect(new Set([...seen, base.requestId]).size).toBe(3)
    const written = lines.mock.calls.map(([line]) => JSON.parse(String(line)) as Record<string, unknown>)
    const own = written.filter(({ message }) => message === 'schedule')
    expect(own.map(({ schedule }) => schedule)).toEqual(expect.arrayContaining([one!.name, two!.name]))
    for (const line of own) expect(line).toMatchObject({ run_id: base.requestId, outcome: 'ok', ms: expect.any(Number) as number, sent: 3 })
    expect(own.map((line) => String(line['request_id'])).toSorted()).toEqual(seen.toSorted())
  })
})

describe('the schedules of the deployment', () => {
  it('are at the times that the configuration has, each of which has work', () => {
    expect([...new Set(schedules.map(({ cron }) => cron))].toSorted()).toEqual(env.TEST_CRONS.toSorted())
  })

  it('have a name each', () => {
    expect(new Set(schedules.map(({ name }) => name)).size).toBe(schedules.length)
    for (const { name } of schedules) expect(name).toMatch(/^[a-z]+(-[a-z]+)*$/)
  })

  it('are known from the first cron of all on, so that one whose time never comes is missed', async () => {
    const due = scheduleOf(async () => undefined)
    const other: Schedule = { ...scheduleOf(async () => undefined), cron: '7 * * * *' }
    await runSchedules(at(5_000), minutely, [due, other])
    expect(await rowOf(other)).toMatchObject({ knownAt: 5_000, runs: 0, outcome: null, succeededAt: null })
  })

  it('are run by the Worker, which refuses a time that none has', async () => {
    const scheduled = (cron: string) => worker.scheduled(createScheduledController({ cron }), env, createExecutionContext())
    const [name] = schedules.filter(({ cron }) => cron === '*/10 * * * *').map((one) => one.name)
    const runs = async () => (await testCtx().db.select().from(table).where(eq(table.name, name!)))[0]?.runs ?? 0
    const before = await runs()
    await scheduled('*/10 * * * *')
    expect(await runs()).toBe(before + 1)
    await expect(scheduled('0 0 1 1 *')).rejects.toThrow('no schedule')
  })

  it('are in the metrics, with the queues and what those gave up', async () => {
    await worker.scheduled(createScheduledController({ cron: '*/10 * * * *' }), env, createExecutionContext())
    const reply = await callFrom(randomAddress(), '/metrics', { as: 'metrics-token-of-the-tests' })
    const samples = parseExposition(await reply.text())
    const of = (name: string, label: string) => samples.filter((one) => one.name === name).map(({ labels }) => labels[label])
    const names = schedules.map(({ name }) => name)
    for (const name of ['runs', 'failures', 'skips']) expect(of(`edgelog_schedule_${name}_total`, 'schedule')).toEqual(names)
    expect(of('edgelog_schedule_last_success_timestamp_seconds', 'schedule')).toContain('task-sweep')
    for (const name of ['edgelog_queue_backlog_messages', 'edgelog_queue_backlog_bytes', 'edgelog_dead_jobs'])
      expect(of(name, 'queue')).toEqual(['email-jobs', 'alert-jobs', 'notify-jobs', 'task-jobs'])
  })
})
