import type { AlertGroupKey, AlertGroupState } from '../../core/alerts.ts'
import { alertGroupForgottenMs } from '../../core/limits.ts'
import type { AlertDefinition } from '../../features/alerts/definition.ts'
import { groupText, isBeyond, isQuiet, isUpward, severityOf } from './groups.ts'

/* Which groups a rule has to remember. */

/** What a definition means for its groups. */
export interface Watch {
  readonly definition: AlertDefinition
  /** No logs are a value, 0. */
  readonly isCounted: boolean
  /** Missing data is news. */
  readonly waitsForData: boolean
  /** What falls silent may cross the threshold by that, so that it is remembered while nothing is wrong with it, too. */
  readonly isSilenceNews: boolean
  /** Names of the fields of its groups. */
  readonly fields: string
}

/** Of a rule with groups that waits for data: stands for all of them while none is known. */
export const wholeKey: AlertGroupKey = {}

export function watchOf(definition: AlertDefinition): Watch {
  const { stats, by, operator, threshold, no_data: noData } = definition
  const isCounted = /^\s*count(_distinct)?\s*\(/.test(stats)
  const waitsForData = !isCounted && (noData.policy === 'nodata' || noData.policy === 'firing')
  const isSilenceNews = waitsForData || (isCounted && isBeyond(0, operator, threshold))
  return { definition, isCounted, waitsForData, isSilenceNews, fields: fieldsOf(by) }
}

export function isWhole({ definition }: Watch, key: AlertGroupKey): boolean {
  return definition.by.length > 0 && Object.keys(key).length === 0
}

/** False for groups of other fields, found before the rule was changed: they are over, and are remembered until that is told. */
export function isOurs(watch: Watch, key: AlertGroupKey): boolean {
  return isWhole(watch, key) || fieldsOf(Object.keys(key)) === watch.fields
}

/** Nothing was seen of it for so long that it is no part of the rule any more. */
export function isForgotten(watch: Watch, { key, seen_ms: seenMs }: AlertGroupState, atMs: number): boolean {
  return watch.definition.by.length > 0 && !isWhole(watch, key) && atMs - seenMs >= alertGroupForgottenMs
}

/** A group that stands for itself, and had logs not too long ago. */
export function isAlive(watch: Watch, group: AlertGroupState, atMs: number): boolean {
  return !isWhole(watch, group.key) && isOurs(watch, group.key) && !isForgotten(watch, group, atMs)
}

/** Those of all groups that the rule has to remember. */
export function keptGroups(watch: Watch, groups: readonly AlertGroupState[], atMs: number): AlertGroupState[] {
  const hasOthers = groups.some((group) => isAlive(watch, group, atMs))
  return groups.filter((group) => {
    if (!isQuiet(group)) return true
    if (isWhole(watch, group.key)) return watch.isSilenceNews && !hasOthers
    return isOurs(watch, group.key) && (watch.definition.by.length === 0 || (watch.isSilenceNews && !isForgotten(watch, group, atMs)))
  })
}

/** Orders groups, the worst first: what people know of or wait for, then the worst value. */
export function compareGroups({ definition }: Watch, a: AlertGroupState, b: AlertGroupState): number {
  const rank = (group: AlertGroupState) => (group.told === 'none' ? 0 : 10) + severityOf(group.state)
  if (rank(a) !== rank(b)) return rank(b) - rank(a)
  const sign = isUpward(definition) ? -1 : 1
  const values = Number(a.value === null) - Number(b.value === null) || sign * ((a.value ?? 0) - (b.value ?? 0))
  return values || (groupText(a.key) < groupText(b.key) ? -1 : 1)
}

function fieldsOf(names: readonly string[]): string {
  return JSON.stringify(names.toSorted())
}
