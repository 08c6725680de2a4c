import type { AlertGroupKey, AlertGroupState } from '../../core/alerts.ts'
import { alertNoDataWindowsMin } from '../../core/limits.ts'
import { groupText, isBeyond, isUp, newGroup, stateTo } from './groups.ts'
import type { GroupValue } from './groups.ts'
import type { Watch } from './watch.ts'
import { isAlive, isForgotten, isOurs, isWhole, wholeKey } from './watch.ts'

/* What a window makes of each group. */

/** A group before and after a window; `before` is undefined of one that is new. */
export interface Look {
  readonly before: AlertGroupState | undefined
  readonly after: AlertGroupState
  readonly detail: string | null
}

export const ruleChanged = 'The rule was changed.'
const groupForgotten = 'Nothing was seen of this group for so long that it is forgotten.'

/** What a window says of a group: crossed, over, nothing known, nothing for as long as the rule waits, or for too long. */
type Reading = 'crossed' | 'over' | 'unknown' | 'nodata' | 'forgotten'

interface Seen {
  readonly groups: readonly GroupValue[]
  /** A group that is not among them had no logs; false: nothing is known of it. */
  readonly isWhole: boolean
}

/** All groups that are known or were seen, after this window. */
export function lookAt(watch: Watch, known: readonly AlertGroupState[], seen: Seen, atMs: number): Look[] {
  const values = new Map(seen.groups.map(({ key, value }) => [groupText(key), value]))
  const hasOthers = seen.groups.length > 0 || known.some((group) => isAlive(watch, group, atMs))
  const looked = (before: AlertGroupState | undefined, key: AlertGroupKey): Look => {
    const from = before ?? newGroup(key, atMs)
    if (!isOurs(watch, key)) return { before, after: stateTo(from, 'inactive', atMs), detail: ruleChanged }
    if (isWhole(watch, key)) {
      const now = hasOthers ? { ...from, seen_ms: atMs } : from
      return { before, ...moved(watch, now, hasOthers ? 'over' : readNothing(watch, now, atMs), null, atMs) }
    }
    const text = groupText(key)
    if (!values.has(text) && !seen.isWhole) return { before, after: from, detail: null }
    const value = values.get(text) ?? (watch.isCounted ? 0 : null)
    const isSeen = watch.isCounted ? values.has(text) : value !== null
    const now = isSeen ? { ...from, seen_ms: atMs } : from
    return { before, ...moved(watch, now, read(watch, now, value, atMs), value, atMs) }
  }
  const fresh = freshKeys(watch, known, seen, hasOthers)
  return [...known.map((before) => looked(before, before.key)), ...fresh.map((key) => looked(undefined, key))]
}

/** Groups that the rule did not know. One that never had a value has none to miss. */
function freshKeys(
  watch: Watch,
  known: readonly AlertGroupState[],
  { groups, isWhole: isComplete }: Seen,
  hasOthers: boolean,
): AlertGroupKey[] {
  const texts = new Set(known.map(({ key }) => groupText(key)))
  const isSingle = watch.definition.by.length === 0
  const fresh = groups.filter(({ key, value }) => (value !== null || isSingle) && !texts.has(groupText(key))).map(({ key }) => key)
  const isMissed = !isSingle && watch.waitsForData && isComplete && !hasOthers && !texts.has(groupText(wholeKey))
  return isMissed ? [...fresh, wholeKey] : fresh
}

function read(watch: Watch, group: AlertGroupState, value: number | null, atMs: number): Reading {
  if (isForgotten(watch, group, atMs)) return 'forgotten'
  if (value === null) return readNothing(watch, group, atMs)
  const { operator, threshold, recovery_threshold: recovery } = watch.definition
  return isBeyond(value, operator, isUp(group) ? (recovery ?? threshold) : threshold) ? 'crossed' : 'over'
}

function readNothing({ definition }: Watch, { seen_ms: seenMs }: AlertGroupState, atMs: number): Reading {
  const { no_data: noData, window_seconds: window } = definition
  const afterSeconds = noData.after_seconds ?? alertNoDataWindowsMin * window
  if (atMs - seenMs < afterSeconds * 1000) return 'unknown'
  return ({ ok: 'over', keep: 'unknown', nodata: 'nodata', firing: 'crossed' } as const)[noData.policy]
}

function moved(watch: Watch, from: AlertGroupState, reading: Reading, value: number | null, atMs: number): Omit<Look, 'before'> {
  const group = { ...from, value }
  const after = stateTo(group, nextState(watch, group, reading, atMs), atMs)
  return { after, detail: reading === 'forgotten' ? groupForgotten : null }
}

/** `for_seconds` count from the first window that crossed the threshold, `recover_for_seconds` from the first that did not. */
function nextState({ definition }: Watch, group: AlertGroupState, reading: Reading, atMs: number): AlertGroupState['state'] {
  const { for_seconds: forSeconds, recover_for_seconds: recoverSeconds } = definition
  const hasLasted = (state: AlertGroupState['state'], seconds: number) =>
    seconds === 0 || (group.state === state && atMs - group.since_ms >= seconds * 1000)
  switch (reading) {
    case 'unknown':
      return group.state
    case 'forgotten':
      return 'inactive'
    case 'nodata':
      return 'nodata'
    case 'crossed':
      return isUp(group) || hasLasted('pending', forSeconds) ? 'firing' : 'pending'
    case 'over':
      return !isUp(group) || hasLasted('recovering', recoverSeconds) ? 'inactive' : 'recovering'
  }
}
