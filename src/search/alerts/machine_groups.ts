import type { AlertGroupKey, AlertGroupState } from '../../core/alerts.ts'
import { alertGroupForgottenMs, alertNoDataWindowsMin } from '../../core/limits.ts'
import { parseStats } from '../../engine/query/stats_parser.ts'
import type { AlertDefinition, AlertOperator } from '../../features/alerts/definition.ts'

/* One group of a rule: what a value makes of it. */

export interface GroupValue {
  readonly key: AlertGroupKey
  /** Null: no log of it has a value. */
  readonly value: number | null
}

/** A group before and after a window; `before` is undefined of one that is new. */
interface Look {
  readonly before: AlertGroupState | undefined
  readonly after: AlertGroupState
  readonly detail: string | null
}

export const ruleChanged = 'The rule was changed.'

/** What a window says of a group: crossed, over, nothing known, gone for too long, or nothing at all for as long as the rule waits. */
type Reading = 'crossed' | 'over' | 'unknown' | 'forgotten' | 'nodata'

/** The same text for the same group, in whatever order its fields stand. */
export function groupText(key: AlertGroupKey): string {
  return JSON.stringify(Object.entries(key).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

/** How bad a state is; the state of a rule is that of its worst group. */
export function severityOf(state: AlertGroupState['state']): number {
  return ['inactive', 'pending', 'recovering', 'nodata', 'firing'].indexOf(state)
}

/** Whether a value lies beyond a threshold. */
export function isBeyond(value: number, operator: AlertOperator, threshold: number): boolean {
  switch (operator) {
    case '>':
      return value > threshold
    case '>=':
      return value >= threshold
    case '<':
      return value < threshold
    case '<=':
      return value <= threshold
  }
}

export function isUpward({ operator }: Pick<AlertDefinition, 'operator'>): boolean {
  return operator === '>' || operator === '>='
}

/** Whether no logs are a value, 0: of functions that count. */
export function countsNothing({ stats }: Pick<AlertDefinition, 'stats'>): boolean {
  const name = parseStats(stats)[0]?.name
  return name === 'count' || name === 'count_distinct'
}

/** What a definition makes of groups. Its function must be one that can be read (evaluate.ts says so first). */
export function watcherOf(definition: AlertDefinition) {
  const { by, no_data: noData } = definition
  const isCounted = countsNothing(definition)
  const waitsForData = !isCounted && (noData.policy === 'nodata' || noData.policy === 'firing')
  // What falls silent may cross the threshold by that, so it is remembered while nothing is wrong with it, too.
  const isSilenceNews = waitsForData || (isCounted && isBeyond(0, definition.operator, definition.threshold))
  /** Of a rule with groups that waits for data: stands for all of them while none is known. */
  const whole: AlertGroupKey = {}
  const isWhole = (key: AlertGroupKey) => by.length > 0 && Object.keys(key).length === 0

  /** Groups of other fields were found before the rule was changed: they are over, and are remembered until that is told. */
  const fields = groupText(Object.fromEntries(by.map((field) => [field, null])))
  const isOurs = (key: AlertGroupKey) =>
    isWhole(key) || groupText(Object.fromEntries(Object.keys(key).map((field) => [field, null]))) === fields

  /** A group of logs that came not too long ago, which stands for itself. */
  const isAlive = (group: AlertGroupState, atMs: number) => !isWhole(group.key) && isOurs(group.key) && !isForgotten(group, atMs)

  /** All groups that are known or were seen, after this window. */
  function look(
    known: readonly AlertGroupState[],
    { groups: seen, isWhole: isComplete }: { groups: readonly GroupValue[]; isWhole: boolean },
    atMs: number,
  ): Look[] {
    const values = new Map(seen.map(({ key, value }) => [groupText(key), value]))
    const knownTexts = new Set(known.map(({ key }) => groupText(key)))
    // A group that never had a value has none to miss.
    const isFresh = ({ key, value }: GroupValue) => (value !== null || by.length === 0) && !knownTexts.has(groupText(key))
    const fresh = seen.filter(isFresh).map(({ key }) => key)
    const hasOthers = seen.length > 0 || known.some((group) => isAlive(group, atMs))
    if (by.length > 0 && waitsForData && !hasOthers && isComplete && !known.some(({ key }) => isWhole(key))) fresh.push(whole)
    const looked = (before: AlertGroupState | undefined, key: AlertGroupKey): Look => {
      const from = before ?? newGroup(key, atMs)
      if (!isOurs(key)) return { before, after: stateTo(from, 'inactive', atMs), detail: ruleChanged }
      if (isWhole(key)) {
        const now = hasOthers ? { ...from, seen_ms: atMs } : from
        return { before, ...moved(now, hasOthers ? 'over' : readNothing(now, atMs), null, atMs) }
      }
      const text = groupText(key)
      if (!values.has(text) && !isComplete) return { before, after: from, detail: null }
      const value = values.get(text) ?? (isCounted ? 0 : null)
      const isSeen = isCounted ? values.has(text) : value !== null
      const now = isSeen ? { ...from, seen_ms: atMs } : from
      return { before, ...moved(now, readingOf(now, value, atMs), value, atMs) }
    }
    return [...known.map((before) => looked(before, before.key)), ...fresh.map((key) => looked(undefined, key))]
  }

  function readingOf(group: AlertGroupState, value: number | null, atMs: number): Reading {
    if (isForgotten(group, atMs)) return 'forgotten'
    if (value === null) return readNothing(group, atMs)
    const { operator, threshold, recovery_threshold: recovery } = definition
    const isUp = group.state === 'firing' || group.state === 'recovering'
    return isBeyond(value, operator, isUp ? (recovery ?? threshold) : threshold) ? 'crossed' : 'over'
  }

  function readNothing({ seen_ms: seenMs }: AlertGroupState, atMs: number): Reading {
    const afterSeconds = noData.after_seconds ?? alertNoDataWindowsMin * definition.window_seconds
    if (atMs - seenMs < afterSeconds * 1000) return 'unknown'
    return ({ ok: 'over', keep: 'unknown', nodata: 'nodata', firing: 'crossed' } as const)[noData.policy]
  }

  function isForgotten({ key, seen_ms: seenMs }: AlertGroupState, atMs: number): boolean {
    return by.length > 0 && !isWhole(key) && atMs - seenMs >= alertGroupForgottenMs
  }

  function moved(group: AlertGroupState, reading: Reading, value: number | null, atMs: number): Omit<Look, 'before'> {
    const now = { ...group, value }
    const to = (state: AlertGroupState['state']) => stateTo(now, state, atMs)
    const lasted = (seconds: number) => atMs - group.since_ms >= seconds * 1000
    const { for_seconds: forSeconds, recover_for_seconds: recoverSeconds } = definition
    const detail = reading === 'forgotten' ? 'Nothing was seen of this group for so long that it is forgotten.' : null
    const after = () => {
      if (reading === 'unknown') return now
      if (reading === 'forgotten') return to('inactive')
      if (reading === 'nodata') return to('nodata')
      const isUp = group.state === 'firing' || group.state === 'recovering'
      if (reading === 'crossed') {
        const isLong = forSeconds === 0 || (group.state === 'pending' && lasted(forSeconds))
        return to(isUp || isLong ? 'firing' : 'pending')
      }
      if (!isUp) return to('inactive')
      const isOver = recoverSeconds === 0 || (group.state === 'recovering' && lasted(recoverSeconds))
      return to(isOver ? 'inactive' : 'recovering')
    }
    return { after: after(), detail }
  }

  return {
    look,
    /** Those of all groups that the rule has to remember. */
    kept(groups: readonly AlertGroupState[], atMs: number): AlertGroupState[] {
      const hasOthers = groups.some((group) => isAlive(group, atMs))
      return groups.filter((group) => {
        if (!isQuiet(group)) return true
        if (isWhole(group.key)) return isSilenceNews && !hasOthers
        return isOurs(group.key) && (by.length === 0 || (isSilenceNews && !isForgotten(group, atMs)))
      })
    },
    /** The worst first: what people know of or wait for, then the worst value. */
    compare(a: AlertGroupState, b: AlertGroupState): number {
      const rank = (group: AlertGroupState) => (group.told === 'none' ? 0 : 10) + severityOf(group.state)
      if (rank(a) !== rank(b)) return rank(b) - rank(a)
      const sign = isUpward(definition) ? -1 : 1
      const values = Number(a.value === null) - Number(b.value === null) || sign * ((a.value ?? 0) - (b.value ?? 0))
      return values || (groupText(a.key) < groupText(b.key) ? -1 : 1)
    },
  }
}

/** Nothing is wrong with it, as far as people were told. */
function isQuiet({ state, told }: AlertGroupState): boolean {
  return state === 'inactive' && told === 'none'
}

function stateTo(group: AlertGroupState, state: AlertGroupState['state'], atMs: number): AlertGroupState {
  return state === group.state ? group : { ...group, state, since_ms: atMs }
}

function newGroup(key: AlertGroupKey, atMs: number): AlertGroupState {
  return { key, state: 'inactive', since_ms: atMs, seen_ms: atMs, value: null, told: 'none', told_ms: null }
}
