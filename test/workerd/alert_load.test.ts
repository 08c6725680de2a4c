import { env } from 'cloudflare:test'
import { eq } from 'drizzle-orm'
import { beforeEach, describe, expect, it } from 'vitest'
import { alertNoticeSchema } from '../../src/core/alerts.ts'
import {
  alertCatchUpMsMax,
  alertCostlyMs,
  alertCostlyRestMs,
  alertDispatchMsPerOrganizationMax,
  alertFailuresToldMin,
  alertHistoryLinesPerHourMax,
  alertNoticesPerHourMax,
  alertRulesPerJobMax,
} from '../../src/core/limits.ts'
import { withMethods } from '../../src/core/with_methods.ts'
import type { TenantCtx } from '../../src/db/context.ts'
import { alertBudgets, alertRules } from '../../src/db/schema_alerts.ts'
import { dispatchAlerts } from '../../src/jobs/alerts/due.ts'
import { evaluateRules } from '../../src/jobs/alerts/evaluate.ts'
import type { Evaluate } from '../../src/jobs/alerts/round.ts'
import { createWorld, testCtx } from '../support/world.ts'
import type { World } from '../support/world.ts'
import { addMailChannel, addRule, afterWindow, evaluates, firstMs, historyOf, minuteMs, notificationsOf, ruleOf } from './alert_world.ts'
import { keepingJobs, ownerWithJobs, withJobs } from './control_world.ts'

let world: World
let ctx: TenantCtx
beforeEach(async () => {
  world = await createWorld()
  ;({ ctx } = ownerWithJobs(world))
})

const hourMs = 60 * minuteMs
const eleven = evaluates(() => 11)
const run = (id: string, endMs: number, evaluate: Evaluate = eleven, base: Parameters<typeof evaluateRules>[0] = ctx) =>
  evaluateRules(afterWindow(base, endMs), { kind: 'evaluate', organization_id: world.organizationId, rule_ids: [id] }, evaluate)

/** Messages that a minute sends for some organizations. */
async function sentFor(worlds: readonly World[], endMs: number) {
  const { ctx: cron, alerts } = withJobs()
  await dispatchAlerts(afterWindow(cron, endMs))
  const ours = new Set(worlds.map(({ organizationId }) => organizationId))
  return alerts.map(({ job }) => job).filter(({ organization_id: owner }) => ours.has(owner))
}

describe('the schedule', () => {
  it('gives organizations turns, however late the rules of one are', async () => {
    const other = await createWorld()
    const late = { evaluatedTo: firstMs - hourMs, evaluationMs: 10 }
    await Promise.all(Array.from({ length: 2 * alertRulesPerJobMax + 1 }, () => addRule(world, { threshold: 10 }, late)))
    await addRule(other, { threshold: 10 }, { evaluatedTo: firstMs - minuteMs })
    const jobs = await sentFor([world, other], firstMs)
    expect(jobs.map(({ organization_id: owner, rule_ids: ids }) => [owner, ids.length])).toEqual([
      [world.organizationId, alertRulesPerJobMax],
      [other.organizationId, 1],
      [world.organizationId, alertRulesPerJobMax],
      [world.organizationId, 1],
    ])
  })

  it('sends of an organization what its rules took of a minute the last time, those that wait longest first', async () => {
    const half = { evaluationMs: alertDispatchMsPerOrganizationMax / 2 }
    const add = (minutes: number) => addRule(world, { threshold: 10 }, { ...half, evaluatedTo: firstMs - minutes * minuteMs })
    const [newest, oldest, middle] = [await add(1), await add(3), await add(2)]
    expect((await sentFor([world], firstMs)).flatMap(({ rule_ids: ids }) => ids)).toEqual([oldest, middle])
    await run(oldest, firstMs)
    expect((await sentFor([world], firstMs)).flatMap(({ rule_ids: ids }) => ids)).toEqual([middle, newest])
  })

  it('lets a rule rest that failed again and again and took long for it, until it is changed', async () => {
    const failed = { failures: alertFailuresToldMin, evaluationMs: alertCostlyMs, evaluatedVersion: 1, evaluatedAt: firstMs }
    const id = await addRule(world, { threshold: 10 }, { ...failed, evaluatedTo: firstMs - minuteMs })
    expect(await sentFor([world], firstMs + minuteMs)).toEqual([])
    expect(await sentFor([world], firstMs + alertCostlyRestMs)).toHaveLength(1)
    await ctx.db.update(alertRules).set({ version: 2 }).where(eq(alertRules.id, id))
    expect(await sentFor([world], firstMs + minuteMs)).toHaveLength(1)
  })
})

describe('a rule that told that it fires', () => {
  const told = async (id: string) => (await notificationsOf(world, id)).map(({ kind }) => kind)

  it.each(['turned off', 'deleted'])('tells that it is over when it is %s', async (end) => {
    const id = await addRule(world, { threshold: 10, channel_ids: [await addMailChannel(world)] })
    const silent = await addRule(world, { threshold: 10 })
    for (const each of [id, silent]) await run(each, firstMs)
    const ends = (each: string) => {
      const as = { as: world.owner.accessToken }
      const path = `/api/v1/alerts/${each}`
      return end === 'deleted'
        ? world.call(path, { ...as, method: 'DELETE' })
        : world.call(path, { ...as, method: 'PATCH', json: { enabled: false } })
    }
    for (const each of [id, silent]) expect((await ends(each)).ok).toBe(true)
    expect([await told(id), await told(silent)]).toEqual([['firing', 'resolved'], []])
    const [, over] = await notificationsOf(world, id)
    expect(alertNoticeSchema.parse(over?.notice)).toMatchObject({
      rule: { id },
      groups: [{ state: 'inactive', value: 11 }],
      groups_total: 1,
    })
  })

  it('and is over already tells nothing more', async () => {
    const id = await addRule(world, { threshold: 10, channel_ids: [await addMailChannel(world)] })
    await run(id, firstMs)
    await run(
      id,
      firstMs + minuteMs,
      evaluates(() => 0),
    )
    await world.call(`/api/v1/alerts/${id}`, { as: world.owner.accessToken, method: 'DELETE' })
    expect(await told(id)).toEqual(['firing', 'resolved'])
  })
})

describe('a list of rules', () => {
  it('says what each rule says by itself', async () => {
    const id = await addRule(world, { threshold: 0.1 + 0.2, by: ['a"b'], stats: 'avg(x)' })
    await run(id, firstMs)
    const as = { as: world.owner.accessToken }
    const page = await (await world.call('/api/v1/alerts', as)).json<{ results: { condition: string }[] }>()
    const rule = await (await world.call(`/api/v1/alerts/${id}`, as)).json<{ condition: string }>()
    expect(page.results.map(({ condition }) => condition)).toEqual([rule.condition])
  })
})

describe('a rule that is late', () => {
  it('has its windows made up for some at a time, so that the others of its message have theirs', async () => {
    const id = await addRule(world, { threshold: 10 }, { evaluatedTo: firstMs - 9 * minuteMs })
    let nowMs = firstMs + 30_000
    const slow: Evaluate = async (...args) => {
      nowMs += alertCatchUpMsMax / 2
      return evaluates(() => 0)(...args)
    }
    const job = { kind: 'evaluate' as const, organization_id: world.organizationId, rule_ids: [id] }
    await evaluateRules({ ...ctx, now: () => nowMs }, job, slow)
    expect(await ruleOf(world, id)).toMatchObject({ evaluatedTo: firstMs - 7 * minuteMs, leaseUntil: 0, evaluationMs: alertCatchUpMsMax })
  })
})

describe('what the database does not take', () => {
  it('makes the rule fail with a reason, and is told as soon as it is taken', async () => {
    const channel = await addMailChannel(world)
    const id = await addRule(world, { threshold: 10, channel_ids: [channel] })
    const kept = keepingJobs(env).env
    const refusing = withMethods(kept.DB, {
      batch: async (statements) => {
        if (statements.length > 2) throw new Error('D1_ERROR: string or blob too big: SQLITE_TOOBIG')
        return kept.DB.batch(statements)
      },
    })
    const small = testCtx(new Proxy(kept, { get: (from, name) => (name === 'DB' ? refusing : Reflect.get(from, name)) as unknown }))
    await run(id, firstMs, eleven, small)
    await run(id, firstMs + minuteMs, eleven, small)
    const reason = expect.stringContaining('Something went wrong on our side') as string
    expect(await ruleOf(world, id)).toMatchObject({ state: 'error', failures: 2, error: reason, leaseUntil: 0, groups: [] })
    expect(await historyOf(world, id)).toMatchObject([{ fromState: 'inactive', toState: 'error', detail: reason }])
    expect(await notificationsOf(world, id)).toEqual([])
    await run(id, firstMs + 2 * minuteMs)
    expect(await ruleOf(world, id)).toMatchObject({ state: 'firing', failures: 0, error: null })
    expect((await notificationsOf(world, id)).map(({ kind }) => kind)).toEqual(['firing'])
  })
})

describe('an organization whose rules change all the time', () => {
  const spent = (history: number, notices: number) =>
    ctx.db.insert(alertBudgets).values({ organizationId: world.organizationId, hour: Math.floor(firstMs / hourMs), history, notices })

  it('has so many lines of history in an hour, of which the last says that there are more', async () => {
    await spent(alertHistoryLinesPerHourMax - 1, 0)
    const id = await addRule(world, { threshold: 10 })
    const flapping = evaluates((endMs) => (((endMs - firstMs) / minuteMs) % 2 === 0 ? 11 : 0))
    for (let i = 0; i < 3; i++) await run(id, firstMs + i * minuteMs, flapping)
    expect((await historyOf(world, id)).map(({ toState }) => toState)).toEqual(['firing'])
    const other = await addRule(world, { threshold: 10 })
    await ctx.db
      .update(alertBudgets)
      .set({ history: alertHistoryLinesPerHourMax - 1 })
      .where(eq(alertBudgets.organizationId, world.organizationId))
    const groups = [1, 2].map((host) => ({ key: { host: String(host) }, value: 11 }))
    await ctx.db
      .update(alertRules)
      .set({ definition: { ...(await ruleOf(world, other)).definition, by: ['host'] } })
      .where(eq(alertRules.id, other))
    await run(other, firstMs, async () => ({ groups, isWhole: true, truncated: false, bytes: 0 }))
    expect((await historyOf(world, other)).map(({ detail }) => detail)).toEqual([
      expect.stringContaining('before 2026-11-22T08:00:00.000Z'),
    ])
    await run(
      id,
      firstMs + hourMs,
      evaluates(() => 0),
    )
    await run(id, firstMs + hourMs + minuteMs)
    expect((await historyOf(world, id)).map(({ toState }) => toState)).toEqual(['firing', 'inactive', 'firing'])
  })

  it('is told so much in an hour, and of what fires still when it is over', async () => {
    await spent(0, alertNoticesPerHourMax)
    const id = await addRule(world, { threshold: 10, channel_ids: [await addMailChannel(world)] })
    await run(id, firstMs)
    expect(await ruleOf(world, id)).toMatchObject({ state: 'firing', groups: [{ told: 'none' }] })
    expect(await notificationsOf(world, id)).toEqual([])
    expect(await historyOf(world, id)).toMatchObject([
      { toState: 'firing', silenced: false, detail: expect.stringContaining('later') as string },
    ])
    await run(id, firstMs + hourMs)
    expect((await notificationsOf(world, id)).map(({ kind }) => kind)).toEqual(['firing'])
  })
})
