import { env } from 'cloudflare:test'
import { and, eq, inArray, sql } from 'drizzle-orm'
import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { alertCatchUpWindowsMax, alertLateMsMax, alertLeaseMs } from '../../src/core/limits.ts'
import { problem } from '../../src/core/problems.ts'
import type { TenantCtx } from '../../src/db/context.ts'
import { alertRules } from '../../src/db/schema_alerts.ts'
import { organizations } from '../../src/db/schema.ts'
import { storedAlertDefinition } from '../../src/features/alerts/definition.ts'
import { dispatchAlerts } from '../../src/jobs/alerts/due.ts'
import { evaluateRules } from '../../src/jobs/alerts/evaluate.ts'
import type { Evaluate } from '../../src/jobs/alerts/round.ts'
import { initialState, step } from '../../src/search/alerts/machine.ts'
import { runs } from '../support/effort.ts'
import { faultyEnv } from '../support/faulty.ts'
import type { Fate } from '../support/faulty.ts'
import { createWorld, testCtx } from '../support/world.ts'
import type { World } from '../support/world.ts'
import {
  addMailChannel,
  addRule,
  afterWindow,
  alertMailsOf,
  evaluates,
  firstMs,
  historyOf,
  minuteMs,
  notificationsOf,
  ruleOf,
} from './alert_world.ts'
import { keepingJobs, ownerWithJobs, withJobs } from './control_world.ts'

let world: World
let ctx: TenantCtx
let channel: string
beforeEach(async () => {
  world = await createWorld()
  ;({ ctx } = ownerWithJobs(world))
  channel = await addMailChannel(world)
})

const job = (...ids: string[]) => ({ kind: 'evaluate' as const, organization_id: world.organizationId, rule_ids: ids })
const listened = (given: object = {}) => ({ threshold: 10, channel_ids: [channel], ...given })
const run = (id: string, endMs: number, evaluate: Evaluate) => evaluateRules(afterWindow(ctx, endMs), job(id), evaluate)
const change = (id: string, values: Partial<typeof alertRules.$inferInsert>) =>
  ctx.db.update(alertRules).set(values).where(eq(alertRules.id, id))
const told = async (id: string) => (await notificationsOf(world, id)).map(({ kind }) => kind)

describe('whatever fails while rules are evaluated', () => {
  it('leaves the history and the notifications of a run in which nothing failed', { timeout: 60_000 }, async () => {
    const fates = fc.infiniteStream(
      fc.oneof({ weight: 9, arbitrary: fc.constant<Fate>('works') }, fc.constantFrom<Fate>('fails before', 'fails after')),
    )
    const given = fc.record({
      values: fc.array(fc.constantFrom(0, 20), { minLength: 8, maxLength: 8 }),
      forSeconds: fc.constantFrom(0, 60),
      // How many messages of one minute come at the same time.
      copies: fc.array(fc.constantFrom(1, 1, 2), { minLength: 8, maxLength: 8 }),
      fates,
    })
    const property = fc.asyncProperty(given, async ({ values, forSeconds, copies, fates: stream }) => {
      const id = await addRule(world, listened({ for_seconds: forSeconds }), { evaluatedTo: firstMs - minuteMs })
      const valueAt = (endMs: number) => values[(endMs - firstMs) / minuteMs] ?? 0
      const mailsBefore = (await alertMailsOf(world)).length
      const faulty = testCtx(faultyEnv(keepingJobs(env).env, () => stream.next().value as Fate))
      for (const [i, count] of copies.entries()) {
        const at = afterWindow(faulty, firstMs + i * minuteMs)
        await Promise.allSettled(Array.from({ length: count }, () => evaluateRules(at, job(id), evaluates(valueAt))))
      }
      // Leases that a failure left behind are over by then.
      const endMs = firstMs + 13 * minuteMs
      await run(id, endMs, evaluates(valueAt))
      const expected = expectedOf(await definitionOf(id), valueAt, endMs)
      expect((await historyOf(world, id)).map(({ at, fromState, toState }) => [at, fromState, toState])).toEqual(expected.changes)
      expect(await told(id)).toEqual(expected.told)
      expect((await alertMailsOf(world)).length - mailsBefore).toBe(expected.told.length)
      expect(await ruleOf(world, id)).toMatchObject({ evaluatedTo: endMs, leaseUntil: 0, failures: 0 })
    })
    await fc.assert(property, { numRuns: runs(5), endOnFailure: true })
  })

  it('is of one rule alone: the others of its message have their turn', async () => {
    const broken = await addRule(world, listened(), { name: 'broken', definition: { threshold: 'none' } })
    const whole = await addRule(world, listened())
    for (const i of [0, 1])
      await evaluateRules(
        afterWindow(ctx, firstMs + i * minuteMs),
        job(broken, whole),
        evaluates(() => 11),
      )
    expect(await ruleOf(world, whole)).toMatchObject({ state: 'firing', leaseUntil: 0 })
    const found = { state: 'error', stateSince: firstMs, evaluatedTo: firstMs + minuteMs, failures: 2, leaseUntil: 0 }
    expect(await ruleOf(world, broken)).toMatchObject({ ...found, error: expect.stringContaining('threshold') as string })
    expect(await historyOf(world, broken)).toMatchObject([{ fromState: 'inactive', toState: 'error', at: firstMs }])
  })
})

describe('two consumers', () => {
  it('never evaluate a rule at the same time, and one that lost its lease writes nothing', async () => {
    const id = await addRule(world, listened())
    const gate = Promise.withResolvers<void>()
    const slow: Evaluate = async (...args) => {
      await gate.promise
      return evaluates(() => 99)(...args)
    }
    const first = run(id, firstMs, slow)
    while ((await ruleOf(world, id)).leaseId === null);
    let evaluations = 0
    const counting: Evaluate = (...args) => {
      evaluations++
      return evaluates(() => 11)(...args)
    }
    await run(id, firstMs, counting)
    await run(id, firstMs + minuteMs, counting)
    expect(evaluations).toBe(0)
    await evaluateRules({ ...ctx, now: () => firstMs + 30_000 + alertLeaseMs }, job(id), counting)
    gate.resolve()
    await first
    expect(await ruleOf(world, id)).toMatchObject({ state: 'firing', groups: [{ value: 11 }] })
    expect(await told(id)).toEqual(['firing'])
    expect(await historyOf(world, id)).toHaveLength(1)
  })

  it('do not write over a rule that somebody changed meanwhile, and let others have it', async () => {
    const id = await addRule(world, listened())
    const changing: Evaluate = async (...args) => {
      await change(id, { version: 2 })
      return evaluates(() => 99)(...args)
    }
    await run(id, firstMs, changing)
    expect(await ruleOf(world, id)).toMatchObject({ state: 'inactive', evaluatedTo: null, leaseUntil: 0 })
    expect(await told(id)).toEqual([])
    await run(
      id,
      firstMs,
      evaluates(() => 99),
    )
    expect(await ruleOf(world, id)).toMatchObject({ state: 'firing', evaluatedVersion: 2 })
  })
})

describe('a query that fails', () => {
  it('makes the rule fail, is told once when it goes on, and told to be over', async () => {
    const id = await addRule(world, listened())
    const broken = problem('unprocessable', 'The window holds too much.')
    const valueAt = (endMs: number) => (endMs < firstMs + 5 * minuteMs ? broken : 0)
    for (let i = 0; i < 7; i++) await run(id, firstMs + i * minuteMs, evaluates(valueAt))
    const notices = await notificationsOf(world, id)
    expect(notices.map(({ kind, notice }) => [kind, notice['error']])).toEqual([
      ['error', 'The window holds too much.'],
      ['resolved', null],
    ])
    expect((await historyOf(world, id)).map(({ fromState, toState, detail }) => [fromState, toState, detail])).toEqual([
      ['inactive', 'error', 'The window holds too much.'],
      ['error', 'inactive', 'It can be evaluated again.'],
    ])
  })

  it('for want of a storage comes again, and misses no window', async () => {
    const id = await addRule(world, listened(), { evaluatedTo: firstMs - minuteMs })
    const away = Object.assign(new Error('Network connection lost.'), { retryable: true })
    await run(
      id,
      firstMs,
      evaluates(() => away),
    )
    expect(await ruleOf(world, id)).toMatchObject({ state: 'inactive', evaluatedTo: firstMs - minuteMs, leaseUntil: 0 })
    const lateMs = firstMs + alertLateMsMax + minuteMs
    await run(
      id,
      lateMs,
      evaluates(() => away),
    )
    expect(await ruleOf(world, id)).toMatchObject({ state: 'error', evaluatedTo: firstMs - minuteMs, failures: 1 })
    await run(
      id,
      lateMs,
      evaluates((endMs) => (endMs === firstMs + minuteMs ? 11 : 0)),
    )
    expect(await ruleOf(world, id)).toMatchObject({ state: 'inactive', evaluatedTo: lateMs, failures: 0 })
    expect(await told(id)).toEqual(['firing', 'resolved'])
  })
})

describe('time', () => {
  it('that was missed is caught up, an hour at most, and the history says what was left out', async () => {
    const id = await addRule(world, listened(), { evaluatedTo: firstMs })
    const ends: number[] = []
    const endMs = firstMs + (alertCatchUpWindowsMax + 5) * minuteMs
    await run(
      id,
      endMs,
      evaluates((ms) => {
        ends.push(ms)
        return 0
      }),
    )
    expect(ends).toHaveLength(alertCatchUpWindowsMax)
    expect([ends[0], ends.at(-1)]).toEqual([firstMs + 6 * minuteMs, endMs])
    const [line, ...others] = await historyOf(world, id)
    expect(others).toEqual([])
    expect(line?.detail).toMatch(/^5 windows that ended from 2026-11-22T07:11:00.000Z to 2026-11-22T07:15:00.000Z were too late/)
  })

  it('that jumps back evaluates nothing twice, and a rule that is far ahead begins anew', async () => {
    const id = await addRule(world, listened())
    await run(
      id,
      firstMs,
      evaluates(() => 11),
    )
    await run(
      id,
      firstMs - 3 * minuteMs,
      evaluates(() => 0),
    )
    expect(await ruleOf(world, id)).toMatchObject({ state: 'firing', evaluatedTo: firstMs })
    const year = 365 * 24 * 60 * minuteMs
    await run(
      id,
      firstMs + year,
      evaluates(() => 11),
    )
    await run(
      id,
      firstMs + minuteMs,
      evaluates(() => 11),
    )
    expect(await ruleOf(world, id)).toMatchObject({ state: 'firing', evaluatedTo: firstMs + minuteMs })
    expect(await told(id)).toEqual(['firing'])
  })
})

describe('the schedule', () => {
  it('sends what is due of live organizations, some rules of one a message', async () => {
    const due = await addRule(world, listened())
    const early = await addRule(world, listened(), { evaluatedTo: firstMs })
    const off = await addRule(world, listened(), { enabled: false })
    const held = await addRule(world, listened(), { leaseUntil: firstMs + 2 * minuteMs, leaseId: 'x' })
    const sentAt = async (endMs: number) => {
      const { ctx: cron, alerts } = withJobs()
      await dispatchAlerts(afterWindow(cron, endMs))
      const ours = alerts.flatMap(({ job: each }) =>
        each.kind === 'evaluate' && each.organization_id === world.organizationId ? [each] : [],
      )
      return ours.flatMap(({ rule_ids: ids }) => ids).toSorted()
    }
    expect(await sentAt(firstMs)).toEqual([due])
    expect(await sentAt(firstMs + 2 * minuteMs)).toEqual([due, early, held].toSorted())
    await ctx.db.update(organizations).set({ deletedAt: firstMs }).where(eq(organizations.id, world.organizationId))
    expect(await sentAt(firstMs)).toEqual([])
    await run(
      due,
      firstMs,
      evaluates(() => 11),
    )
    const rows = await ctx.db
      .select()
      .from(alertRules)
      .where(and(inArray(alertRules.id, [due, off]), sql`${alertRules.evaluatedAt} is not null`))
    expect(rows).toEqual([])
  })
})

const definitionOf = async (id: string) => storedAlertDefinition.parse((await ruleOf(world, id)).definition)

/** What the state machine alone makes of the windows. */
function expectedOf(definition: Awaited<ReturnType<typeof definitionOf>>, valueAt: (endMs: number) => number, endMs: number) {
  const changes: unknown[] = []
  const notices: string[] = []
  let before = initialState
  for (let atMs = firstMs; atMs <= endMs; atMs += minuteMs) {
    const observation = { kind: 'values', groups: [{ key: {}, value: valueAt(atMs) }], isWhole: true, truncated: false } as const
    const next = step(definition, before, observation, { atMs, version: 1, isSilenced: false, mayRemind: false })
    changes.push(...next.changes.map(({ from, to }) => [atMs, from, to]))
    notices.push(...next.notices.map(({ kind }) => kind))
    before = next.after
  }
  return { changes, told: notices }
}
