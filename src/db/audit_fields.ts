import { changesOf } from './audit.ts'
import type { AuditChanges } from './audit.ts'
import { shortValue } from './audit_bound.ts'

type Fields = Readonly<Record<string, unknown>>

/**
 * Fields of `before` and `after` that differ, those that only one of them has included, each value at most
 * `auditValueCharsMax` characters of JSON long: for what people write at length.
 */
export function shortChangesOf(before: Fields, after: Fields): AuditChanges {
  const absent = Object.fromEntries(Object.keys(before).map((name) => [name, undefined]))
  const changes = changesOf(before, { ...absent, ...after })
  return Object.fromEntries(
    Object.entries(changes).map(([name, change]) => [name, { before: shortValue(change.before), after: shortValue(change.after) }]),
  )
}

/** The same for one state. */
export function shortFields(fields: Fields): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, shortValue(value)]))
}
