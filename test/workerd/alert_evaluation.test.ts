import { beforeEach, describe, expect, it } from 'vitest'
import type { TenantCtx } from '../../src/db/context.ts'
import { evaluateRules } from '../../src/jobs/alerts/evaluate.ts'
import { createWorld } from '../support/world.ts'
import type { World } from '../support/world.ts'
import {
  addMailChannel,
  addRule,
  afterWindow,
  alertMailsOf,
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
})
