import { env } from 'cloudflare:test'
import { beforeEach, describe, expect, it } from 'vitest'
import { alertNoticeSchema } from '../../src/core/alerts.ts'
import { alertJobMsMax, alertRulesPerJobMax } from '../../src/core/limits.ts'
import { silences } from '../../src/db/schema_alerts.ts'
import type { Evaluate } from '../../src/jobs/alerts/round.ts'
import type { AlertPreview, AlertTest } from '../../src/search/alerts/schema.ts'
import { counted } from '../support/counted.ts'
import { row } from '../support/rows.ts'
import { bodyOf, storeHotAndSealed } from './log_store.ts'
import type { TenantCtx } from '../../src/db/context.ts'
import { evaluateRules } from '../../src/jobs/alerts/evaluate.ts'
import { createWorld } from '../support/world.ts'
import type { World } from '../support/world.ts'
import {
  addMailChannel,
  addRule,
  afterWindow,
  alertMailsOf,
  evaluates,
  firstMs,
  historyOf,
  logsBefore,
  minuteMs,
  notificationsOf,
  ruleOf,
} from './alert_world.ts'
import { ownerWithJobs } from './control_world.ts'

let world: World
let ctx: TenantCtx
beforeEach(async () => {
  world = await createWorld()
  ;({ ctx } = ownerWithJobs(world))
})

const job = (...ids: string[]) => ({ kind: 'evaluate' as const, organization_id: world.organizationId, rule_ids: ids })

describe('a rule', () => {
  it('fires with the logs that caused it, tells its channel once, and tells that it is over', async () => {
    const channel = await addMailChannel(world)
    const id = await addRule(world, { q: 'severity:>=error', threshold: 2, window_seconds: 60, channel_ids: [channel] })
    await logsBefore(world, firstMs + minuteMs, 3)
    await evaluateRules(afterWindow(ctx, firstMs), job(id))
    expect(await ruleOf(world, id)).toMatchObject({ state: 'inactive', evaluatedTo: firstMs, leaseUntil: 0, groups: [{ value: 0 }] })
    const at = afterWindow(ctx, firstMs + minuteMs)
    await evaluateRules(at, job(id))
    await evaluateRules(at, job(id))
    expect(await ruleOf(world, id)).toMatchObject({
      state: 'firing',
      evaluatedTo: firstMs + minuteMs,
      groups: [{ value: 3, told: 'firing' }],
    })
    const [told, ...more] = await notificationsOf(world, id)
    expect(more).toEqual([])
    expect(told).toMatchObject({ kind: 'firing', status: 'pending', recipient: world.owner.email, channelId: channel })
    expect(told?.notice).toMatchObject({
      kind: 'firing',
      rule: { id, name: 'Errors', condition: 'count() > 2 within 1m' },
      groups: [{ group: {}, state: 'firing', value: 3 }],
      logs: [{ message: 'boom 0' }, { message: 'boom 1' }, { message: 'boom 2' }],
    })
    await evaluateRules(afterWindow(ctx, firstMs + 2 * minuteMs), job(id))
    expect((await notificationsOf(world, id)).map(({ kind }) => kind)).toEqual(['firing', 'resolved'])
    expect((await alertMailsOf(world)).length).toBe(2)
    expect(await historyOf(world, id)).toMatchObject([
      { fromState: 'inactive', toState: 'firing', value: 3, at: firstMs + minuteMs, group: {}, silenced: false },
      { fromState: 'firing', toState: 'inactive', value: 0, at: firstMs + 2 * minuteMs },
    ])
  })

  it('fires by group, each with its own logs', async () => {
    const channel = await addMailChannel(world)
    const id = await addRule(world, { by: ['host'], threshold: 2, window_seconds: 60, channel_ids: [channel] })
    await logsBefore(world, firstMs, 3, { host: 'a "b"' })
    await logsBefore(world, firstMs, 5, { host: 'c' })
    await logsBefore(world, firstMs, 1, { host: 'quiet' })
    await logsBefore(world, firstMs, 4)
    await evaluateRules(afterWindow(ctx, firstMs), job(id))
    const [told] = await notificationsOf(world, id)
    const notice = alertNoticeSchema.parse(told?.notice)
    expect(notice.groups.map(({ group, value }) => [group['host'], value])).toEqual([
      ['c', 5],
      [null, 4],
      ['a "b"', 3],
    ])
    for (const { logs_url: url, value } of notice.groups) {
      const { pathname, search } = new URL(url)
      const response = await world.call(pathname + search, { as: world.owner.accessToken })
      expect((await response.json<{ results: unknown[] }>()).results).toHaveLength(value ?? 0)
    }
    expect((await ruleOf(world, id)).groups).toHaveLength(3)
  })

  it('that is silenced tells nothing until the silence is over, and then only what still fires', async () => {
    const channel = await addMailChannel(world)
    const id = await addRule(world, { threshold: 10, channel_ids: [channel] })
    const times = { createdAt: firstMs, updatedAt: firstMs, startsAt: firstMs - minuteMs, endsAt: firstMs + 2 * minuteMs }
    await ctx.db.insert(silences).values({
      organizationId: world.organizationId,
      id: ctx.newId(),
      ruleId: id,
      comment: 'Deployment',
      recurrence: null,
      createdBy: world.owner.userId,
      ...times,
    })
    for (const i of [0, 1])
      await evaluateRules(
        afterWindow(ctx, firstMs + i * minuteMs),
        job(id),
        evaluates(() => 11),
      )
    expect(await notificationsOf(world, id)).toEqual([])
    expect(await historyOf(world, id)).toMatchObject([{ toState: 'firing', silenced: true }])
    await evaluateRules(
      afterWindow(ctx, firstMs + 3 * minuteMs),
      job(id),
      evaluates(() => 11),
    )
    expect((await notificationsOf(world, id)).map(({ kind }) => kind)).toEqual(['firing'])
  })

  it('of which stored logs cannot be read fires when those that can are enough, and fails otherwise', async () => {
    const enough = await addRule(world, { q: 'completed', threshold: 2, window_seconds: 60 })
    const [few, average] = [
      await addRule(world, { q: 'completed', threshold: 9, window_seconds: 60 }),
      await addRule(world, { stats: 'avg(x)', threshold: 0 }),
    ]
    const logs = (count: number) => Array.from({ length: count }, () => row({ timestampMs: firstMs - 5000 }))
    await storeHotAndSealed(world, logs(3), logs(4))
    const { objects } = await env.STORAGE.list({ prefix: `org/${world.organizationId}/` })
    expect(objects.length).toBeGreaterThan(0)
    for (const { key } of objects) await env.STORAGE.put(key, new Uint8Array(100))
    await evaluateRules(afterWindow(ctx, firstMs), job(enough, few, average))
    expect(await ruleOf(world, enough)).toMatchObject({ state: 'firing', groups: [{ value: 3 }] })
    for (const id of [few, average])
      expect(await ruleOf(world, id)).toMatchObject({ state: 'error', error: expect.stringContaining('cannot be read') as string })
  })

  it('costs a few calls of D1 a message, however many rules it has', async () => {
    const ids = await Promise.all(
      Array.from({ length: alertRulesPerJobMax }, () => addRule(world, { threshold: 10 }, { evaluatedTo: firstMs - minuteMs })),
    )
    const round = (i: number) => counted((base) => evaluateRules(afterWindow(base, firstMs + i * minuteMs), job(...ids)))
    await round(0)
    const { outcome, statements, batches } = await round(1)
    // The organization, the claim, the shards; then one batch with a statement for each rule.
    expect([outcome, statements - alertRulesPerJobMax, batches]).toEqual(['done', 3, 1])
  })
})

describe('a rule that takes all the time there is', () => {
  it('leaves those behind it to the next message, which has them first', async () => {
    const from = [9, 8, 7].map((minutes) => ({ evaluatedTo: firstMs - minutes * minuteMs }))
    const ids = await Promise.all(from.map((columns) => addRule(world, { threshold: 10 }, columns)))
    const lateness = async () =>
      (await Promise.all(ids.map((id) => ruleOf(world, id)))).map(({ evaluatedTo }) => (firstMs - (evaluatedTo ?? 0)) / minuteMs)
    let nowMs = firstMs + 30_000
    const slow: Evaluate = async (...args) => {
      nowMs = firstMs + 30_000 + alertJobMsMax
      return evaluates(() => 0)(...args)
    }
    await evaluateRules({ ...ctx, now: () => nowMs }, job(...ids), slow)
    // The first did one window of many; the others were not begun.
    expect(await lateness()).toEqual([8, 8, 7])
    await evaluateRules(
      { ...ctx, now: () => nowMs },
      job(...ids),
      evaluates(() => 0),
    )
    expect(await lateness()).toEqual([-1, -1, -1])
  })
})

describe('trying a rule out', () => {
  const send = (path: string, json: unknown) => world.call(`/api/v1/alerts${path}`, { as: world.owner.accessToken, json })

  it('shows its groups now, tells what the channels answer, and changes nothing', async () => {
    const channel = await addMailChannel(world)
    const id = await addRule(world, { by: ['host'], threshold: 2, channel_ids: [channel] })
    const before = await ruleOf(world, id)
    await logsBefore(world, Date.now() - 100_000, 3, { host: 'a' })
    const plain = await bodyOf<AlertTest>(await send(`/${id}/test`, {}))
    expect(plain).toMatchObject({
      groups: [{ group: { host: 'a' }, value: 3, beyond_threshold: true }],
      error: null,
      complete: true,
      channels: null,
    })
    const { channels } = await bodyOf<AlertTest>(await send(`/${id}/test`, { notify: true }))
    expect(channels).toMatchObject([{ channel_id: channel, outcome: 'queued', to: [world.owner.email] }])
    expect(await ruleOf(world, id)).toEqual(before)
    expect(await alertMailsOf(world)).toHaveLength(1)
  })

  it('with a query that nothing can read says so', async () => {
    const id = await addRule(world, { q: 'level:"', threshold: 2 })
    const answer = await bodyOf<AlertTest>(await send(`/${id}/test`, {}))
    expect(answer).toMatchObject({ groups: [], complete: false, error: expect.stringContaining('quote') as string })
  })

  it('on the past shows when it would have fired, and what people would have been told', async () => {
    await logsBefore(world, firstMs + 2 * minuteMs, 4)
    const definition = { threshold: 3, window_seconds: 60, for_seconds: 0 }
    const range = { from: new Date(firstMs).toISOString(), to: new Date(firstMs + 4 * minuteMs).toISOString() }
    const { windows, complete } = await bodyOf<AlertPreview>(await send('/preview', { definition, ...range }))
    expect(complete).toBe(true)
    expect(windows.map(({ state, told }) => [state, told.map(({ kind }) => kind)])).toEqual([
      ['inactive', []],
      ['inactive', []],
      ['firing', ['firing']],
      ['inactive', ['resolved']],
      ['inactive', []],
    ])
  })
})
