import { attributesPerRecordMax, recordDepthMax } from '../core/limits.ts'
import { severityDefault } from '../core/severity.ts'
import type { AttributeValue, EncodableRow } from '../engine/row.ts'
import { arrayFault, jsonText, nestedTooDeep, parseExact } from './exact_json.ts'
import type { FieldRole } from './field_rules.ts'
import { createFieldTree } from './field_tree.ts'
import type { Field, FieldTree } from './field_tree.ts'
import { fillRole } from './roles.ts'
import type { RowFault } from './row_fault.ts'

/** Everything that one request's records use again and again, so that a row costs no more than its values. */
export interface Normaliser {
  /** The row of the last record; the same object each time. */
  readonly row: EncodableRow
  readonly nowMs: number
  readonly tree: FieldTree
  /** Which field fills each role, and its value as it was given. */
  readonly chosen: Record<FieldRole, { field: Field | undefined; value: unknown }>
  record: object
  attributes: number
  fault: RowFault | undefined
}

export function createNormaliser(nowMs: number): Normaliser {
  const none = () => ({ field: undefined, value: undefined })
  return {
    row: { timestampMs: 0, timestampNs: 0, severity: 0, source: '', message: '', names: [], values: [] },
    nowMs,
    tree: createFieldTree(),
    chosen: { timestamp: none(), severity: none(), source: none(), message: none() },
    record: {},
    attributes: 0,
    fault: undefined,
  }
}

/**
 * Makes the row of a record: recognised names (src/ingest/field_rules.ts) fill time, severity, source and message, all else becomes
 * flat attributes. What is absent is `nowMs`, INFO and an empty text. `record` is what JSON.parse made of `text`. Answers why
 * it cannot be kept, or undefined.
 */
export function normaliseObject(n: Normaliser, record: object, text: string): RowFault | undefined {
  read(n, record)
  if (n.fault === beyondDouble) {
    const exact = parseExact(text)
    if (exact === undefined) return nestedTooDeep
    read(n, exact as object)
  }
  if (n.fault === undefined && n.attributes === 0 && isEmpty(n)) n.fault = { code: 'empty', text: 'has no fields' }
  finish(n)
  return n.fault
}

/** Makes the row of a line that is no JSON object: the line is the message. */
export function normaliseText(n: Normaliser, line: string): void {
  reset(n)
  n.row.message = line
  finish(n)
}

const beyondDouble: RowFault = { code: 'number_out_of_range', text: 'has a number beyond the range of a double' }
const tooManyAttributes: RowFault = { code: 'too_many_attributes', text: `has more than ${attributesPerRecordMax} attributes` }

function read(n: Normaliser, record: object): void {
  reset(n)
  n.record = record
  walk(n, record, n.tree.root, 1)
}

function reset(n: Normaliser): void {
  const { row, chosen } = n
  row.timestampMs = n.nowMs
  row.timestampNs = 0
  row.severity = severityDefault
  row.source = ''
  row.message = ''
  chosen.timestamp.field = undefined
  chosen.severity.field = undefined
  chosen.source.field = undefined
  chosen.message.field = undefined
  n.attributes = 0
  n.fault = undefined
}

function walk(n: Normaliser, object: object, parent: Field, depth: number): void {
  if (depth > recordDepthMax) {
    n.fault = nestedTooDeep
    return
  }
  // JSON.parse makes plain objects, `__proto__` an own property among them: nothing inherited is enumerable.
  for (const key in object) {
    const value = (object as Record<string, unknown>)[key]
    const field = n.tree.child(parent, key)
    if (field.rule === undefined) keep(n, field, value, depth)
    else if (value !== null) take(n, field, value, depth)
    if (n.fault !== undefined) return
  }
}

/** Lets a recognised field fill its role; what it does not fill or what it displaces stays an attribute. */
function take(n: Normaliser, field: Field, value: unknown, depth: number): void {
  const rule = field.rule!
  const role = n.chosen[rule.role]
  const holder = role.field
  const better = holder === undefined || rule.rank < holder.rule!.rank
  if (better && (rule.beside === undefined || Object.hasOwn(n.record, rule.beside)) && fillRole(n.row, value, rule)) {
    if (holder !== undefined && !holder.rule!.keep) keep(n, holder, role.value, depth)
    role.field = field
    role.value = value
    if (rule.keep) keep(n, field, value, depth)
  } else if (rule.fault !== undefined) n.fault = rule.fault
  else keep(n, field, value, depth)
}

/** Keeps a value as an attribute, an object as several. */
function keep(n: Normaliser, field: Field, value: unknown, depth: number): void {
  if (typeof value !== 'object') push(n, field, value as AttributeValue)
  else if (Array.isArray(value)) {
    const fault = arrayFault(value, recordDepthMax - depth)
    if (fault === undefined) push(n, field, jsonText(value))
    else n.fault = fault === 'deep' ? nestedTooDeep : beyondDouble
  } else if (value !== null) walk(n, value, field, depth + 1)
}

function push(n: Normaliser, field: Field, value: AttributeValue): void {
  if (n.attributes === attributesPerRecordMax) n.fault = tooManyAttributes
  else if (field.fault !== undefined) n.fault = field.fault
  else if (typeof value === 'number' && !Number.isFinite(value)) n.fault = beyondDouble
  else {
    n.row.names[n.attributes] = field.name
    n.row.values[n.attributes] = value
    n.attributes += 1
  }
}

function isEmpty({ chosen: { timestamp, severity, source, message } }: Normaliser): boolean {
  return timestamp.field === undefined && severity.field === undefined && source.field === undefined && message.field === undefined
}

/** Cuts off what is left of a longer row before. */
function finish({ row, attributes }: Normaliser): void {
  if (row.names.length === attributes) return
  row.names.length = attributes
  row.values.length = attributes
}
