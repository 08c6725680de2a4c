import { releaseArrays } from '../../core/buffers.ts'
import { blockColumnsMax, blockRowsMax, blockValuesMax, seqMax, timestampMsMax } from '../../core/limits.ts'
import { severities } from '../../core/severity.ts'
import type { EncodableRow } from '../row.ts'
import type { ColumnBuffer, ExpectedSize } from './column_buffer.ts'
import { createColumn, pushValue } from './column_buffer.ts'
import { systemColumns } from './format.ts'
import { releaseTexts } from './text_entries.ts'
import type { SystemColumn } from './types.ts'

/** Columns that are left for attributes. */
const attributesMax = blockColumnsMax - systemColumns.length

/** What is not part of the row as its producer sent it. */
export interface RowExtra {
  /** Given for all rows of a builder or for none. */
  seq?: number
  createdMs?: number
  updatedMs?: number
}

/** The rows of one block while they arrive. */
export interface BlockBuffer {
  rows: number
  minMs: number
  maxMs: number
  severityCounts: number[]
  system: Record<SystemColumn, ColumnBuffer>
  attributes: ColumnBuffer[]
  attributeOf: Map<string, ColumnBuffer>
  /** The first attribute of the row before. */
  firstAttribute: ColumnBuffer | undefined
  values: number
  /** UTF-16 units of all distinct texts. */
  textUnits: number
}

export function createBuffer(expected?: ReadonlyMap<string, ExpectedSize>): BlockBuffer {
  const column = (name: SystemColumn) => createColumn(name, name, expected?.get(name))
  return {
    rows: 0,
    minMs: Infinity,
    maxMs: -Infinity,
    severityCounts: severities.map(() => 0),
    system: {
      timestamp: column('timestamp'),
      nanos: column('nanos'),
      severity: column('severity'),
      source: column('source'),
      message: column('message'),
      created: column('created'),
      updated: column('updated'),
      seq: column('seq'),
    },
    attributes: [],
    attributeOf: new Map(),
    firstAttribute: undefined,
    values: 0,
    textUnits: 0,
  }
}

/** Frees the arrays of a buffer that is encoded or given up; it cannot be used any more. */
export function releaseBuffer({ system, attributes }: BlockBuffer): void {
  for (const { rows, numbers, codes, texts } of [...Object.values(system), ...attributes]) {
    releaseArrays(rows, numbers, codes)
    if (texts !== undefined) releaseTexts(texts)
  }
}

/** True when a row with so many attributes might pass a limit of the block, or its texts have passed `unitsMax`. */
export function isFull(buffer: BlockBuffer, attributes: number, unitsMax: number): boolean {
  return (
    buffer.rows === blockRowsMax ||
    buffer.values + attributes > blockValuesMax - systemColumns.length * blockRowsMax ||
    buffer.attributes.length + attributes > attributesMax ||
    buffer.textUnits > unitsMax
  )
}

/** Throws RangeError when the row cannot be stored as it is. */
export function checkRow(row: EncodableRow): void {
  const { timestampMs, timestampNs, severity, names, values } = row
  checkedTime(timestampMs)
  if (!Number.isInteger(timestampNs) || timestampNs < 0 || timestampNs > 999_999) throw new RangeError(`${timestampNs} are no nanoseconds`)
  if (severities[severity] === undefined) throw new RangeError(`${severity} is no severity`)
  if (names.length !== values.length) throw new RangeError(`${names.length} names for ${values.length} values`)
  if (names.length > attributesMax) throw new RangeError(`${names.length} attributes do not fit a block`)
}

function checkedTime(ms: number): number {
  if (!Number.isInteger(ms) || ms < 0 || ms >= timestampMsMax) throw new RangeError(`${ms} is no time in milliseconds`)
  return ms
}

/** Adds a row that `checkRow` let pass. `createdMs` holds when `extra` names none. */
export function addRow(buffer: BlockBuffer, row: EncodableRow, extra: RowExtra | undefined, createdMs: number): void {
  const { system } = buffer
  const at = buffer.rows
  if (extra?.seq !== undefined) {
    if (system.seq.count !== at) throw new RangeError('either all rows carry a sequence number or none')
    if (!Number.isSafeInteger(extra.seq) || extra.seq < 0 || extra.seq > seqMax) throw new RangeError(`${extra.seq} is no sequence number`)
    pushValue(system.seq, at, extra.seq)
  } else if (system.seq.count > 0) throw new RangeError('either all rows carry a sequence number or none')
  buffer.rows++
  if (row.timestampMs < buffer.minMs) buffer.minMs = row.timestampMs
  if (row.timestampMs > buffer.maxMs) buffer.maxMs = row.timestampMs
  buffer.severityCounts[row.severity]!++
  pushValue(system.timestamp, at, row.timestampMs)
  pushValue(system.nanos, at, row.timestampNs)
  pushValue(system.severity, at, row.severity)
  pushValue(system.created, at, checkedTime(extra?.createdMs ?? createdMs))
  pushValue(system.updated, at, checkedTime(extra?.updatedMs ?? 0))
  pushText(buffer, system.source, at, row.source)
  pushText(buffer, system.message, at, row.message)
  addAttributes(buffer, at, row)
}

function pushText(buffer: BlockBuffer, column: ColumnBuffer, row: number, text: string): void {
  const before = column.entryUnits
  pushValue(column, row, text)
  buffer.textUnits += column.entryUnits - before
}

function addAttributes(buffer: BlockBuffer, at: number, { names, values }: EncodableRow): void {
  let last: ColumnBuffer | undefined
  for (let i = 0; i < names.length; i++) {
    const name = names[i]!
    let column = last === undefined ? buffer.firstAttribute : last.next
    if (column === undefined || column.name !== name) {
      column = attributeColumn(buffer, name)
      if (last === undefined) buffer.firstAttribute = column
      else last.next = column
    }
    const before = column.entryUnits
    pushValue(column, at, values[i]!)
    buffer.textUnits += column.entryUnits - before
    last = column
  }
  buffer.values += names.length
}

function attributeColumn(buffer: BlockBuffer, name: string): ColumnBuffer {
  const known = buffer.attributeOf.get(name)
  if (known !== undefined) return known
  if (!name.isWellFormed()) return attributeColumn(buffer, name.toWellFormed())
  const column = createColumn(undefined, name)
  buffer.attributes.push(column)
  buffer.attributeOf.set(name, column)
  return column
}
