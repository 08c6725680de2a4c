import { describe, expect, it } from 'vitest'
import { alertCatchUpWindowsMax, alertGroupsMax, alertRulesPerJobMax, queryBytesMax } from '../../../src/core/limits.ts'
import type { AlertDefinition } from '../../../src/features/alerts/definition.ts'
import { storedAlertDefinition } from '../../../src/features/alerts/definition.ts'
import { jobsOf } from '../../../src/jobs/alerts/due.ts'
import { initialState, step } from '../../../src/search/alerts/machine.ts'
import type { Observation, RuleState, Step } from '../../../src/search/alerts/machine.ts'
import { queryOfGroups } from '../../../src/search/alerts/notice.ts'
import { previewEnds } from '../../../src/search/alerts/preview.ts'
import { dueWindows } from '../../../src/search/alerts/windows.ts'
import { parseQuery } from '../../../src/engine/query/parser.ts'

const startMs = Date.UTC(2026, 10, 22, 7)
const minuteMs = 60_000
const channel = '01890000-0000-7000-8000-000000000000'
const define = (given: object): AlertDefinition => storedAlertDefinition.parse({ threshold: 10, channel_ids: [channel], ...given })

/** What a window shows of hosts. */
const hosts = (values: Record<string, number | null>): Observation => ({
  kind: 'values',
  groups: Object.entries(values).map(([host, value]) => ({ key: { host }, value })),
  isWhole: true,
  truncated: false,
})

/** Steps through windows of a minute each; answers the last step. */
function through(definition: AlertDefinition, observations: readonly Observation[], from: RuleState = initialState, version = 1): Step {
  let last: Step = { after: from, changes: [], notices: [] }
  for (const [i, observation] of observations.entries()) {
    const moment = { atMs: startMs + i * minuteMs, version, isSilenced: false, mayRemind: true }
    last = step(definition, last.after, observation, moment)
  }
  return last
}

describe('a rule with groups', () => {
  const byHost = define({ by: ['host'] })

  it(`looks at the ${alertGroupsMax} worst, and keeps those that fire whatever comes`, () => {
    const first = through(byHost, [hosts({ old: 11 })])
    const many = Object.fromEntries(Array.from({ length: alertGroupsMax + 20 }, (_, i) => [`h${i}`, 100 + i]))
    const { after, changes, notices } = through(byHost, [hosts({ old: 11, ...many })], first.after)
    expect(after.groups).toHaveLength(alertGroupsMax)
    expect([after.groups[0]?.key, after.groups.at(-1)?.key]).toEqual([{ host: `h${alertGroupsMax + 19}` }, { host: 'old' }])
    expect(after.groups.some(({ key }) => key['host'] === 'h0')).toBe(false)
    expect(after.truncated).toBe(true)
    expect(changes.at(-1)?.detail).toContain(`more groups than ${alertGroupsMax}`)
    expect(notices.map(({ kind, groups }) => [kind, groups.length])).toEqual([['firing', alertGroupsMax - 1]])
  })

  it('takes a group that it knows and that has no logs any more for 0', () => {
    const silent = define({ by: ['host'], operator: '<', threshold: 1 })
    const { after, notices } = through(silent, [hosts({ a: 5, b: 5 }), hosts({ b: 5 })])
    expect(notices).toMatchObject([{ kind: 'firing', groups: [{ key: { host: 'a' }, value: 0 }] }])
    expect(after.groups.map(({ key, state }) => [key['host'], state])).toEqual([
      ['a', 'firing'],
      ['b', 'inactive'],
    ])
  })

  it('that waits for data tells when none of any group ever comes', () => {
    const heartbeat = define({ by: ['host'], stats: 'avg(x)', window_seconds: 60, no_data: { policy: 'nodata' } })
    const nothing = hosts({})
    expect(through(heartbeat, [nothing, nothing, nothing]).notices).toMatchObject([{ kind: 'nodata', groups: [{ key: {} }] }])
    const back = through(heartbeat, [nothing, nothing, nothing, hosts({ a: 1 })])
    expect(back.notices).toMatchObject([{ kind: 'resolved', groups: [{ key: {} }] }])
    expect(back.after.groups.map(({ key }) => key)).toEqual([{ host: 'a' }])
  })

  it('ends groups of other fields when it is changed, and goes on with what it had of the same', () => {
    const firing = through(byHost, [hosts({ a: 11 })]).after
    const other = through(define({ by: ['pod'] }), [hosts({})], firing, 2)
    expect(other.changes).toMatchObject([{ group: { host: 'a' }, from: 'firing', to: 'inactive', detail: 'The rule was changed.' }])
    expect(other.notices).toMatchObject([{ kind: 'resolved' }])
    expect(other.after.groups).toEqual([])
    const same = through(define({ by: ['host'], threshold: 5 }), [hosts({ a: 6 })], firing, 2)
    expect([same.changes, same.notices]).toEqual([[], []])
    expect(same.after.groups).toMatchObject([{ state: 'firing' }])
  })
})

describe('a rule without channels', () => {
  it('tells nobody, and whoever listens later hears of what fires still', () => {
    const alone = define({ channel_ids: [] })
    const over: Observation = { kind: 'values', groups: [{ key: {}, value: 11 }], isWhole: true, truncated: false }
    const silent = through(alone, [over, over])
    expect(silent.after).toMatchObject({ state: 'firing', groups: [{ told: 'none' }] })
    expect(through(define({}), [over], silent.after, 2).notices).toMatchObject([{ kind: 'firing' }])
  })
})

describe('windows', () => {
  const rule = { interval_seconds: 60, delay_seconds: 30 }
  const nowMs = startMs + 45_000

  it('end at whole intervals whose late logs have been waited for, the newest first time', () => {
    expect(dueWindows(rule, null, nowMs)).toEqual({ endsMs: [startMs], skipped: null, wasAhead: false })
    expect(dueWindows(rule, null, startMs + 29_999).endsMs).toEqual([startMs - minuteMs])
    expect(dueWindows(rule, startMs, nowMs).endsMs).toEqual([])
    expect(dueWindows(rule, startMs - 2 * minuteMs, nowMs).endsMs).toEqual([startMs - minuteMs, startMs])
  })

  it('of a rule whose interval was changed are those of the new one', () => {
    const hourly = { interval_seconds: 3600, delay_seconds: 0 }
    expect(dueWindows(hourly, startMs - 17 * minuteMs, nowMs).endsMs).toEqual([startMs])
    expect(dueWindows(hourly, startMs + 17 * minuteMs, startMs + 59 * minuteMs).endsMs).toEqual([])
  })

  it(`that were missed are caught up, ${alertCatchUpWindowsMax} at most, the older ones named`, () => {
    const { endsMs, skipped } = dueWindows(rule, startMs - 100 * minuteMs, nowMs)
    expect([endsMs.length, endsMs.at(-1)]).toEqual([alertCatchUpWindowsMax, startMs])
    expect(skipped).toEqual({ fromMs: startMs - 99 * minuteMs, toMs: endsMs[0]! - minuteMs, windows: 40 })
  })

  it('of a preview are those of its range that are over', () => {
    const ends = previewEnds(rule, { from: 'now-3m', to: 'now' }, nowMs)
    expect(ends).toEqual([startMs - 2 * minuteMs, startMs - minuteMs, startMs])
    expect(previewEnds(rule, { from: undefined, to: 'now' }, nowMs)).toHaveLength(60)
    expect(() => previewEnds(rule, { from: 'now-2h', to: 'now' }, nowMs)).toThrow(/at most 60/)
  })
})

describe('the query of groups', () => {
  it('narrows the one of the rule to their logs, whatever their values hold', () => {
    expect(queryOfGroups('level:error OR x', [{ host: 'a', pod: null }])).toBe('(level:error OR x) AND (("host":="a") AND (NOT "pod":*))')
    const odd = queryOfGroups('', [{ 'a b': 'say "*" \\ or ?' }, { 'a b': '' }])
    expect(() => parseQuery(odd)).not.toThrow()
  })

  it('is that of the rule where theirs would be too long', () => {
    expect(queryOfGroups('x', [{ host: 'a'.repeat(queryBytesMax) }])).toBe('x')
    expect(queryOfGroups('x', [{}])).toBe('x')
  })
})

describe('messages for rules that are due', () => {
  it('hold rules of one organization each, no more than fit', () => {
    const due = Array.from({ length: 2 * alertRulesPerJobMax + 1 }, (_, i) => ({ organizationId: i % 2 === 0 ? 'a' : 'b', id: String(i) }))
    const jobs = jobsOf(due)
    expect(jobs.map(({ organization_id: owner, rule_ids: ids }) => [owner, ids.length])).toEqual([
      ['a', alertRulesPerJobMax],
      ['b', alertRulesPerJobMax],
      ['a', 1],
    ])
    expect(jobs.flatMap(({ rule_ids: ids }) => ids).toSorted()).toEqual(due.map(({ id }) => id).toSorted())
  })
})
