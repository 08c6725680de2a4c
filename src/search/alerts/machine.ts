import type { AlertGroupKey, AlertGroupState, AlertNoticeKind, AlertState } from '../../core/alerts.ts'
import { jsonBytes } from '../../core/json_bytes.ts'
import { alertFailuresToldMin, alertGroupStateBytes, alertGroupsBytesMax, alertGroupsMax } from '../../core/limits.ts'
import type { AlertDefinition } from '../../features/alerts/definition.ts'
import { severityOf } from './groups.ts'
import type { GroupValue } from './groups.ts'
import { lookAt, ruleChanged } from './look.ts'
import type { Watch } from './watch.ts'
import { compareGroups, keptGroups, watchOf } from './watch.ts'

/*
 * How a rule goes from state to state: pure, and its only time is the end of the window that was looked at. What people are told
 * follows from where a group stands against what they were told last, so that a silence or a crash only delays it.
 */

/** Where a rule stands. Times are ends of windows. */
export interface RuleState {
  /** Version of the definition that found the groups; null before the first evaluation. */
  readonly version: number | null
  readonly state: AlertState
  readonly sinceMs: number | null
  readonly groups: readonly AlertGroupState[]
  /** There were more than a rule tells apart. */
  readonly truncated: boolean
  /** Why the last evaluation failed, and how many did in a row. */
  readonly error: string | null
  readonly failures: number
  /** When people were told that it fails; null: they were not, or were told that it works again. */
  readonly errorToldMs: number | null
}

/** What a window showed. */
export type Observation =
  | {
      readonly kind: 'values'
      readonly groups: readonly GroupValue[]
      /** A group that is not among them had no logs; false: nothing is known of it. */
      readonly isWhole: boolean
      /** There were more groups than statistics keep. */
      readonly truncated: boolean
    }
  | { readonly kind: 'failed'; readonly error: string }

export interface Moment {
  readonly atMs: number
  readonly version: number
  readonly isSilenced: boolean
  /** False while late windows are caught up: one reminder is enough for all of them. */
  readonly mayRemind: boolean
}

/** One line of the history. */
export interface Change {
  readonly group: AlertGroupKey
  readonly from: AlertState
  readonly to: AlertState
  readonly value: number | null
  readonly detail: string | null
  readonly silenced: boolean
}

/** What is to be told; `groups` the worst first. */
export interface Told {
  readonly kind: Exclude<AlertNoticeKind, 'test'>
  readonly groups: readonly AlertGroupState[]
  readonly error: string | null
}

export interface Step {
  readonly after: RuleState
  readonly changes: readonly Change[]
  readonly notices: readonly Told[]
}

export const initialState: RuleState = {
  version: null,
  state: 'inactive',
  sinceMs: null,
  groups: [],
  truncated: false,
  error: null,
  failures: 0,
  errorToldMs: null,
}

/** Where the rule stands after a window. */
export function step(definition: AlertDefinition, before: RuleState, observation: Observation, moment: Moment): Step {
  const { atMs, isSilenced } = moment
  const changes: Change[] = []
  const note = (change: Omit<Change, 'silenced'>) => changes.push({ ...change, silenced: isSilenced })
  const watch = watchOf(definition)
  const known = adopted(before, moment, note)
  const failed = observation.kind === 'failed'
  const found = failed ? { groups: known, truncated: before.truncated } : observed(watch, known, observation, atMs, note)
  const state = failed ? 'error' : worstOf(found.groups)
  const error = failed ? observation.error : null
  const told = telling(definition, found.groups, { ...moment, mayRemind: moment.mayRemind && !failed })
  const failures = failed ? before.failures + 1 : 0
  const toldOfError = tellingOfError(definition, { error, failures, toldMs: before.errorToldMs }, moment)
  if (failed && before.state !== 'error') note({ group: {}, from: before.state, to: 'error', value: null, detail: error })
  if (!failed && before.state === 'error') note({ group: {}, from: 'error', to: state, value: null, detail: 'It can be evaluated again.' })
  if (found.truncated && !before.truncated)
    note({
      group: {},
      from: state,
      to: state,
      value: null,
      detail: `It has more groups than ${alertGroupsMax}, or their names are too long: those with the worst values are looked at.`,
    })
  return {
    after: {
      version: moment.version,
      state,
      sinceMs: state === before.state && before.sinceMs !== null ? Math.min(before.sinceMs, atMs) : atMs,
      groups: keptGroups(watch, told.groups, atMs).toSorted((a, b) => compareGroups(watch, a, b)),
      truncated: found.truncated,
      error,
      failures,
      errorToldMs: toldOfError.toldMs,
    },
    changes,
    notices: [...toldOfError.notices, ...told.notices],
  }
}

type Note = (change: Omit<Change, 'silenced'>) => void

/**
 * The groups as the present definition takes them: what fires goes on until a window says otherwise, what is pending begins anew.
 * No time of theirs lies behind the window, whatever the clock did.
 */
function adopted({ version, groups }: RuleState, moment: Moment, note: Note): AlertGroupState[] {
  const clamp = (ms: number) => Math.min(ms, moment.atMs)
  return groups.map((group) => {
    const { key, state, since_ms: since, seen_ms: seen, told_ms: told } = group
    const now = { ...group, since_ms: clamp(since), seen_ms: clamp(seen), told_ms: told === null ? null : clamp(told) }
    if (version === moment.version || state !== 'pending') return now
    note({ group: key, from: state, to: 'inactive', value: null, detail: ruleChanged })
    return { ...now, state: 'inactive', since_ms: moment.atMs }
  })
}

/** The groups after what was seen of them, as many as a rule tells apart. */
function observed(
  watch: Watch,
  known: readonly AlertGroupState[],
  observation: Extract<Observation, { kind: 'values' }>,
  atMs: number,
  note: Note,
): { groups: AlertGroupState[]; truncated: boolean } {
  const groups = lookAt(watch, known, observation, atMs)
  const remembered = new Set(
    keptGroups(
      watch,
      groups.map(({ after }) => after),
      atMs,
    ),
  )
  const kept = groups.filter(({ after }) => remembered.has(after)).toSorted((a, b) => compareGroups(watch, a.after, b.after))
  const some = kept.slice(0, fittingGroups(kept.map(({ after }) => after)))
  const dropped = groups.filter(({ after, before }) => before !== undefined && !remembered.has(after))
  for (const { before, after, detail } of [...some, ...dropped]) {
    const from = before?.state ?? 'inactive'
    if (from !== after.state) note({ group: after.key, from, to: after.state, value: after.value, detail })
  }
  return { groups: some.map(({ after }) => after), truncated: observation.truncated || kept.length > some.length }
}

/**
 * How many of the groups, the worst first, a rule remembers. Their size is that of their names, which never changes: what people know
 * of comes first, and what fitted once still does.
 */
function fittingGroups(groups: readonly AlertGroupState[]): number {
  let left = alertGroupsBytesMax
  const over = groups.slice(0, alertGroupsMax).findIndex(({ key }) => (left -= jsonBytes(key) + alertGroupStateBytes) < 0)
  return over === -1 ? Math.min(groups.length, alertGroupsMax) : over
}

function worstOf(groups: readonly AlertGroupState[]): AlertGroupState['state'] {
  return groups.map(({ state }) => state).toSorted((a, b) => severityOf(b) - severityOf(a))[0] ?? 'inactive'
}

/** What people are to be told of each group, and the groups with that written down. Where a rule has no channel nobody knows anything. */
function telling(
  { channel_ids: channels, renotify_seconds: renotify }: AlertDefinition,
  groups: readonly AlertGroupState[],
  { atMs, isSilenced, mayRemind }: Moment,
): { groups: AlertGroupState[]; notices: Told[] } {
  if (channels.length === 0) return { groups: groups.map((group) => ({ ...group, told: 'none', told_ms: null })), notices: [] }
  const byKind: Record<'nodata' | 'firing' | 'reminder' | 'resolved', AlertGroupState[]> = {
    nodata: [],
    firing: [],
    reminder: [],
    resolved: [],
  }
  const after = groups.map((group) => {
    if (isSilenced) return group
    const kind = newsOf(group) ?? (mayRemind && isReminded(group, renotify, atMs) ? 'reminder' : undefined)
    if (kind === undefined) return group
    byKind[kind].push(group)
    if (kind === 'resolved') return { ...group, told: 'none' as const, told_ms: null }
    return { ...group, told: kind === 'nodata' ? ('nodata' as const) : ('firing' as const), told_ms: atMs }
  })
  const kinds = ['firing', 'nodata', 'reminder', 'resolved'] as const
  const notices = kinds.filter((kind) => byKind[kind].length > 0).map((kind) => ({ kind, groups: byKind[kind], error: null }))
  return { groups: after, notices }
}

/** A group that is pending, or recovers unknown to anybody, is on its way: where to is told then. */
function newsOf({ state, told }: AlertGroupState): 'firing' | 'nodata' | 'resolved' | undefined {
  if (state === 'firing' && told !== 'firing') return 'firing'
  if (state === 'nodata' && told !== 'nodata') return 'nodata'
  return state === 'inactive' && told !== 'none' ? 'resolved' : undefined
}

function isReminded({ state, told_ms: told }: AlertGroupState, renotify: number | null, atMs: number): boolean {
  return state === 'firing' && renotify !== null && told !== null && atMs - told >= renotify * 1000
}

/** A query that fails now and then is nobody's business; one that goes on failing is a rule that watches nothing. */
function tellingOfError(
  { channel_ids: channels }: AlertDefinition,
  { error, failures, toldMs }: { error: string | null; failures: number; toldMs: number | null },
  { atMs, isSilenced }: Moment,
): { toldMs: number | null; notices: Told[] } {
  if (channels.length === 0) return { toldMs: null, notices: [] }
  if (isSilenced) return { toldMs, notices: [] }
  if (error !== null && toldMs === null && failures >= alertFailuresToldMin)
    return { toldMs: atMs, notices: [{ kind: 'error', groups: [], error }] }
  if (error === null && toldMs !== null) return { toldMs: null, notices: [{ kind: 'resolved', groups: [], error: null }] }
  return { toldMs, notices: [] }
}
