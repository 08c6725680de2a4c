import { attributesPerRecordMax, recordDepthMax } from '../core/limits.ts'
import { severityDefault } from '../core/severity.ts'
import type { AttributeValue, EncodableRow } from '../engine/row.ts'
import { jsonText, parseExact } from './exact_json.ts'
import type { FieldRole } from './field_rules.ts'
import { createFieldTree } from './field_tree.ts'
import type { Field } from './field_tree.ts'
import { readMessage, readSeverity, readSource, readTimestamp } from './roles.ts'

export interface Normaliser {
  /** The row of the last record; the same object each time. */
  readonly row: EncodableRow
  /** Fills `row` from a record that was parsed with JSON.parse. Answers why it cannot be kept, or undefined. */
  fromObject(record: object, text: string): string | undefined
  /** Fills `row` from a line that is no JSON object: the line is the message. */
  fromText(line: string): void
}

/** What a record says of each role, and which field said it. */
interface Chosen {
  field: Field | undefined
  value: unknown
}

/**
 * Turns records of any producer into rows: recognised names (src/ingest/field_rules.ts) fill time, severity, source and
 * message; everything else becomes a flat attribute. Without a time a record gets `nowMs`, without a severity INFO,
 * without a message an empty one: its fields are found by free words all the same, and would only be stored twice.
 */
export function createNormaliser(nowMs: number): Normaliser {
  const tree = createFieldTree()
  const row: EncodableRow = { timestampMs: 0, timestampNs: 0, severity: 0, source: '', message: '', names: [], values: [] }
  const chosen: Record<FieldRole, Chosen> = {
    timestamp: { field: undefined, value: undefined },
    severity: { field: undefined, value: undefined },
    source: { field: undefined, value: undefined },
    message: { field: undefined, value: undefined },
  }
  let count = 0
  let fault: string | undefined

  function reset(): void {
    row.timestampMs = nowMs
    row.timestampNs = 0
    row.severity = severityDefault
    row.source = ''
    row.message = ''
    chosen.timestamp.field = undefined
    chosen.severity.field = undefined
    chosen.source.field = undefined
    chosen.message.field = undefined
    count = 0
    fault = undefined
  }

  function push(field: Field, value: AttributeValue): void {
    if (count === attributesPerRecordMax) fault = `has more than ${attributesPerRecordMax} attributes`
    else if (field.fault !== undefined) fault = field.fault
    else if (typeof value === 'number' && !Number.isFinite(value)) fault = beyondDouble
    else {
      row.names[count] = field.name
      row.values[count] = value
      count += 1
    }
  }

  function pushAny(field: Field, value: unknown, depth: number): void {
    if (typeof value !== 'object') push(field, value as AttributeValue)
    else if (Array.isArray(value)) {
      const text = jsonText(value, recordDepthMax - depth)
      if (text === undefined) fault = tooDeep
      else push(field, text)
    } else if (value !== null) walk(value, field, depth + 1)
  }

  function walk(object: object, parent: Field, depth: number): void {
    if (depth > recordDepthMax) {
      fault = tooDeep
      return
    }
    // JSON.parse makes plain objects, `__proto__` an own property among them: nothing inherited is enumerable.
    for (const key in object) {
      const value = (object as Record<string, unknown>)[key]
      const field = tree.child(parent, key)
      if (field.rule === undefined) pushAny(field, value, depth)
      else if (value !== null) take(field, value, depth)
      if (fault !== undefined) return
    }
  }

  /** Lets a recognised field fill its role; what it does not fill or what it displaces stays an attribute. */
  function take(field: Field, value: unknown, depth: number): void {
    const rule = field.rule!
    const role = chosen[rule.role]
    const holder = role.field
    if ((holder === undefined || rule.rank < holder.rule!.rank) && fill(field, value)) {
      if (holder !== undefined && !holder.rule!.keep) pushAny(holder, role.value, depth)
      role.field = field
      role.value = value
      if (rule.keep) pushAny(field, value, depth)
    } else if (rule.own) {
      fault = rule.role === 'timestamp' ? badTimestamp : badSeverity
    } else pushAny(field, value, depth)
  }

  function fill(field: Field, value: unknown): boolean {
    const rule = field.rule!
    switch (rule.role) {
      case 'timestamp':
        return readTimestamp(row, value, rule)
      case 'severity':
        return readSeverity(row, value, rule)
      case 'source':
        return readSource(row, value, rule)
      case 'message':
        return readMessage(row, value, rule)
    }
  }

  /** Takes back what a field filled that counts only beside another one. */
  function checkCompany(): void {
    for (const role of ['severity', 'source'] as const) {
      const field = chosen[role].field
      const beside = field?.rule?.beside
      if (field === undefined || beside === undefined || hasField(beside)) continue
      if (role === 'source') row.source = ''
      else row.severity = severityDefault
      if (field.rule?.keep === false) push(field, chosen[role].value as AttributeValue)
    }
  }

  function hasField(name: string): boolean {
    if (chosen.message.field?.name === name) return true
    for (let i = 0; i < count; i++) if (row.names[i] === name || row.names[i]?.startsWith(`${name}.`)) return true
    return false
  }

  function isEmpty(): boolean {
    return (
      chosen.timestamp.field === undefined &&
      chosen.severity.field === undefined &&
      chosen.source.field === undefined &&
      chosen.message.field === undefined
    )
  }

  function finish(): void {
    if (row.names.length === count) return
    row.names.length = count
    row.values.length = count
  }

  return {
    row,
    fromObject(record, text) {
      reset()
      walk(record, tree.root, 1)
      if (fault === beyondDouble) {
        const exact = parseExact(text)
        if (exact === undefined) return tooDeep
        reset()
        walk(exact as object, tree.root, 1)
      }
      if (fault === undefined && count === 0 && isEmpty()) fault = 'has no fields'
      checkCompany()
      finish()
      return fault
    },
    fromText(line) {
      reset()
      row.message = line
      finish()
    },
  }
}

const beyondDouble = 'has a number beyond the range of a double'
const tooDeep = `is nested deeper than ${recordDepthMax} levels`
const badTimestamp = 'timestamp is not a time from 1970 to 2286 (RFC 3339, or epoch seconds, milliseconds, microseconds or nanoseconds)'
const badSeverity = 'severity is not TRACE, DEBUG, INFO, WARNING, ERROR, CRITICAL or an alias of these'
