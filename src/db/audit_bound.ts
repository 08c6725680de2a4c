import { auditEntryCharsMax, auditValueCharsMax } from '../core/limits.ts'
import type { AuditChanges } from './audit.ts'

type Fields = Readonly<Record<string, unknown>>

interface Told {
  details: Fields
  changes?: AuditChanges | undefined
}

/** What values may keep of their JSON when an entry is too long, until it fits: at the end fields are only named. */
const valueChars = [5 * auditValueCharsMax, auditValueCharsMax, auditValueCharsMax / 4, 0]

/**
 * What an entry tells, at most `auditEntryCharsMax` characters of JSON: whatever a caller writes, and however often, the log
 * grows by no more. Long values end early; fields for which even the names are too many are counted in `details.left_out`.
 */
export function boundEntry(told: Told): Told {
  if (charsOf(told) <= auditEntryCharsMax) return told
  for (const chars of valueChars) {
    const short = shortened(told, chars)
    if (charsOf(short) <= auditEntryCharsMax) return short
  }
  return firstFields(shortened(told, 0))
}

/** A value whose JSON is too long becomes the beginning of that, as a text. */
export function shortValue(value: unknown, charsMax = auditValueCharsMax): unknown {
  // Numbers and the like are short, and say nothing when they are cut.
  if (typeof value !== 'string' && typeof value !== 'object') return value
  const json = JSON.stringify(value)
  return value === null || json.length <= charsMax ? value : `${json.slice(0, charsMax).toWellFormed()}...`
}

function charsOf({ details, changes }: Told): number {
  return JSON.stringify(details).length + (changes === undefined ? 0 : JSON.stringify(changes).length)
}

function shortened({ details, changes }: Told, chars: number): Told {
  const short = (value: unknown) => shortValue(value, chars)
  return {
    details: mapped(details, short),
    changes: changes && mapped(changes, ({ before, after }) => ({ before: short(before), after: short(after) })),
  }
}

function mapped<T, U>(fields: Readonly<Record<string, T>>, change: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, change(value)]))
}

function firstFields({ details, changes }: Told): Told {
  // For `left_out` and the brackets.
  let room = auditEntryCharsMax - 50
  let leftOut = 0
  const fits = ([name, value]: [string, unknown]) => {
    room -= JSON.stringify({ [name]: value }).length
    if (room < 0) leftOut += 1
    return room >= 0
  }
  const keptDetails = Object.fromEntries(Object.entries(details).filter(fits))
  const keptChanges = changes && Object.fromEntries(Object.entries(changes).filter(fits))
  return { details: { ...keptDetails, left_out: leftOut }, changes: keptChanges }
}
