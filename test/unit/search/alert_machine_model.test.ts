import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AlertGroupKey } from '../../../src/core/alerts.ts'
import { alertFailuresToldMin } from '../../../src/core/limits.ts'
import type { AlertDefinition } from '../../../src/features/alerts/definition.ts'
import { storedAlertDefinition } from '../../../src/features/alerts/definition.ts'
import { initialState, step } from '../../../src/search/alerts/machine.ts'
import type { Moment, Observation, RuleState, Step } from '../../../src/search/alerts/machine.ts'
import { runs } from '../../support/effort.ts'
import { GroupReference } from './alert_reference.ts'

const minuteMs = 60_000
const names = ['a', 'b', 'c'] as const

/** One turn of the schedule: how the clock went on, what the window shows, and what becomes of its evaluation. */
const turn = fc.record({
  minutes: fc.oneof({ weight: 12, arbitrary: fc.constant(1) }, fc.constantFrom(2, 5, 60, 3 * 24 * 60, -3, -500)),
  // `x`: no logs of the group in this window.
  values: fc.tuple(...names.map(() => fc.oneof(fc.integer({ min: 0, max: 6 }), fc.constant(null), fc.constant('x' as const)))),
  fails: fc.oneof({ weight: 6, arbitrary: fc.constant(false) }, fc.constant(true)),
  isWhole: fc.oneof({ weight: 6, arbitrary: fc.constant(true) }, fc.constant(false)),
  isSilenced: fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, fc.constant(true)),
  isLate: fc.boolean(),
  // The consumer is killed before it has written anything.
  isLost: fc.oneof({ weight: 5, arbitrary: fc.constant(false) }, fc.constant(true)),
  isChanged: fc.oneof({ weight: 12, arbitrary: fc.constant(false) }, fc.constant(true)),
})
type Turn = typeof turn extends fc.Arbitrary<infer T> ? T : never

const definitions = fc
  .record({
    stats: fc.constantFrom('count()', 'avg(x)'),
    by: fc.constantFrom([], ['name']),
    operator: fc.constantFrom('>', '>=', '<', '<='),
    threshold: fc.integer({ min: 0, max: 6 }),
    slack: fc.oneof(fc.constant(null), fc.integer({ min: 0, max: 3 })),
    for_seconds: fc.constantFrom(0, 60, 180),
    recover_for_seconds: fc.constantFrom(0, 60, 180),
    window_seconds: fc.constantFrom(60, 300),
    policy: fc.constantFrom('ok', 'keep', 'nodata', 'firing'),
    renotify_seconds: fc.constantFrom(null, 300),
  })
  .map(({ slack, policy, ...rest }): AlertDefinition => {
    const sign = rest.operator.startsWith('>') ? -1 : 1
    const recovery = slack === null ? null : rest.threshold + sign * slack
    const channel = '01890000-0000-7000-8000-000000000000'
    return storedAlertDefinition.parse({ ...rest, recovery_threshold: recovery, no_data: { policy }, channel_ids: [channel] })
  })

/** Who listens to the notices: complains of those that make no sense to somebody who knows nothing else. */
function newListener() {
  const heard = new Map<string, { kind: 'firing' | 'nodata'; atMs: number }>()
  let errorHeard = false

  function hearOf(key: AlertGroupKey, kind: string, { atMs, mayRemind }: Moment, renotify: number | null): void {
    const text = JSON.stringify(key)
    const before = heard.get(text)
    if (kind === 'resolved') {
      expect(before, 'over, but nobody was told that it began').toBeDefined()
      heard.delete(text)
    } else if (kind === 'reminder') {
      expect(before?.kind).toBe('firing')
      expect(mayRemind && atMs - before!.atMs >= renotify! * 1000).toBe(true)
      before!.atMs = atMs
    } else {
      expect(before?.kind, 'told twice').not.toBe(kind)
      heard.set(text, { kind: kind === 'nodata' ? 'nodata' : 'firing', atMs })
    }
  }

  function hear({ notices }: Step, moment: Moment, renotify: number | null): void {
    for (const each of heard.values()) each.atMs = Math.min(each.atMs, moment.atMs)
    if (moment.isSilenced) expect(notices).toEqual([])
    for (const { kind, groups } of notices) {
      for (const { key } of groups) hearOf(key, kind, moment, renotify)
      if (groups.length > 0) continue
      expect(kind).toBe(errorHeard ? 'resolved' : 'error')
      errorHeard = !errorHeard
    }
  }

  /** Whoever is not kept in the dark knows what is. */
  function knows({ groups, failures }: RuleState): void {
    const expected = new Map<string, string | undefined>([
      ['firing', 'firing'],
      ['nodata', 'nodata'],
      ['inactive', undefined],
    ])
    const stands = new Map(groups.map(({ key, state }) => [JSON.stringify(key), state]))
    for (const [text, state] of stands) if (expected.has(state)) expect(heard.get(text)?.kind).toBe(expected.get(state))
    for (const text of heard.keys()) expect(stands.has(text), 'never told that it is over').toBe(true)
    if (failures === 0) expect(errorHeard).toBe(false)
    if (failures >= alertFailuresToldMin) expect(errorHeard).toBe(true)
  }

  return { hear, knows }
}

const keyOf = ({ by }: AlertDefinition, name: string): AlertGroupKey => (by.length === 0 ? {} : { name })

function observationOf(definition: AlertDefinition, { values, fails, isWhole }: Turn): Observation {
  if (fails) return { kind: 'failed', error: 'broken' }
  const isCounted = definition.stats === 'count()'
  // Without groups there is always one, and what counts has a value for each that it lists.
  const of = definition.by.length === 0 ? names.slice(0, 1) : names
  const groups = of.flatMap((name, i) => {
    const value = values[i]!
    if (definition.by.length === 0) return [{ key: {}, value: typeof value === 'number' ? value : isCounted ? 0 : null }]
    return value === 'x' ? [] : [{ key: { name }, value: value ?? (isCounted ? 1 : null) }]
  })
  return { kind: 'values', groups, isWhole: isWhole || definition.by.length === 0, truncated: false }
}

describe('the state machine of rules', () => {
  it('agrees with what all windows together say, and makes sense to whoever only hears the notices', () => {
    const property = fc.property(definitions, fc.array(turn, { maxLength: 60, size: 'max' }), play)
    fc.assert(property, { numRuns: runs(200) })
  })
})

/** Plays the turns, and looks at each step from every side. */
function play(definition: AlertDefinition, turns: readonly Turn[]): void {
  const references = new Map(names.map((name) => [name as string, new GroupReference(definition)]))
  const known = new Set<string>()
  const listener = newListener()
  let state = initialState
  let version = 1
  let atMs = Date.UTC(2026, 10, 22)
  for (const each of turns) {
    atMs += each.minutes * minuteMs
    if (each.isChanged) version++
    const observation = observationOf(definition, each)
    const moment = { atMs, version, isSilenced: each.isSilenced, mayRemind: !each.isLate }
    const next = step(definition, state, observation, moment)
    // Two consumers find the same; the consumer that is killed leaves nothing, and the window comes again with another clock.
    expect(step(definition, state, observation, moment)).toEqual(next)
    if (each.isLost) continue
    if (state.version !== version) for (const reference of references.values()) reference.change()
    listener.hear(next, moment, definition.renotify_seconds)
    followsFrom(state, next)
    state = next.after
    see(definition, references, known, observation, atMs)
    for (const name of definition.by.length === 0 ? ['a'] : names) {
      const text = JSON.stringify(keyOf(definition, name))
      const stands = state.groups.find(({ key }) => JSON.stringify(key) === text)
      expect(stands?.state ?? 'inactive').toBe(references.get(name)?.state())
    }
    if (!each.isSilenced) listener.knows(state)
    if (observation.kind === 'failed') continue
    const again = step(definition, state, observation, moment)
    expect([again.changes, again.notices, again.after]).toEqual([[], [], state])
  }
}

/** Tells the references what the window showed: of a group that was never seen nothing is known. */
function see(
  definition: AlertDefinition,
  references: ReadonlyMap<string, GroupReference>,
  known: Set<string>,
  observation: Observation,
  atMs: number,
): void {
  for (const [name, reference] of references) {
    if (observation.kind === 'failed') {
      reference.see({ atMs, value: undefined }, false)
      continue
    }
    const text = JSON.stringify(keyOf(definition, name))
    const found = observation.groups.find(({ key }) => JSON.stringify(key) === text)
    // A group that never had a value has none to miss.
    if (found !== undefined && (found.value !== null || definition.by.length === 0)) known.add(name)
    const absent = known.has(name) && observation.isWhole ? (definition.stats === 'count()' ? 0 : null) : undefined
    const value = known.has(name) && found !== undefined ? found.value : absent
    reference.see({ atMs, value }, found !== undefined)
    if (reference.isForgotten()) known.delete(name)
  }
}

/** Each line of the history begins where the group stood. */
function followsFrom(before: RuleState, { after, changes }: Step): void {
  const stands = new Map(before.groups.map(({ key, state }) => [JSON.stringify(key), state as string]))
  for (const { group, from, to, detail } of changes) {
    if (to === 'error' || from === 'error' || detail?.startsWith('It has more groups')) continue
    expect(stands.get(JSON.stringify(group)) ?? 'inactive').toBe(from)
    stands.set(JSON.stringify(group), to)
  }
  for (const { key, state } of after.groups) expect(stands.get(JSON.stringify(key)) ?? 'inactive').toBe(state)
}
