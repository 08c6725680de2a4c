import type { AlertGroupKey, AlertGroupState } from '../../core/alerts.ts'
import type { AlertDefinition, AlertOperator } from '../../features/alerts/definition.ts'

/* Groups of a rule, and their values beside its threshold. */

export interface GroupValue {
  readonly key: AlertGroupKey
  /** Null: no log of it has a value. */
  readonly value: number | null
}

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

export function newGroup(key: AlertGroupKey, atMs: number): AlertGroupState {
  return { key, state: 'inactive', since_ms: atMs, seen_ms: atMs, value: null, told: 'none', told_ms: null }
}

export function stateTo(group: AlertGroupState, state: AlertGroupState['state'], atMs: number): AlertGroupState {
  return state === group.state ? group : { ...group, state, since_ms: atMs }
}

/** Nothing is wrong with it, as far as people were told. */
export function isQuiet({ state, told }: AlertGroupState): boolean {
  return state === 'inactive' && told === 'none'
}

/** It fires, or did a moment ago. */
export function isUp({ state }: AlertGroupState): boolean {
  return state === 'firing' || state === 'recovering'
}
