import { Buffer } from 'node:buffer'
import { attributesPerRecordMax, recordBytesMax } from '../../core/limits.ts'
import { noReadCost } from '../../engine/block/read_cost.ts'
import type { StoredRow } from '../../engine/row.ts'
import { setAttribute } from '../../engine/row.ts'
import type { ChangeReply, RowChange } from './protocol.ts'
import type { ShardState } from './state.ts'

/** The present content of a row; null when there is no such row, or it was deleted. */
export function getRow(state: ShardState, seq: number): StoredRow | null {
  const patched = state.patches.get(seq)
  if (patched !== undefined) return patched
  const meta = state.index.find(seq)
  if (meta === undefined) return null
  const block = state.open(meta, noReadCost())
  return block.materialise([seq - meta.firstSeq])[0] ?? null
}

/** Merges the change into the row in one step. */
export function changeRow(state: ShardState, seq: number, change: RowChange, nowMs: number): ChangeReply {
  const old = getRow(state, seq)
  if (old === null) return { status: 'missing' }
  const row: StoredRow = {
    seq,
    timestampMs: change.timestampMs ?? old.timestampMs,
    timestampNs: change.timestampNs ?? old.timestampNs,
    severity: change.severity ?? old.severity,
    source: change.source ?? old.source,
    message: change.message ?? old.message,
    attributes: changedAttributes(old.attributes, change.attributes),
    createdMs: old.createdMs,
    updatedMs: Math.max(nowMs, old.createdMs),
  }
  const excess = excessOf(row)
  if (excess !== undefined) return { status: 'too_large', detail: excess }
  return state.patches.set(seq, row) ? { status: 'changed', row } : { status: 'too_many_patches' }
}

/** Hides the row for ever; its block keeps the bytes until it is merged. */
export function deleteRow(state: ShardState, seq: number): 'deleted' | 'missing' | 'too_many_patches' {
  if (state.index.find(seq) === undefined || state.patches.isDeleted(seq)) return 'missing'
  return state.patches.set(seq, null) ? 'deleted' : 'too_many_patches'
}

function changedAttributes(old: StoredRow['attributes'], change: RowChange['attributes']): StoredRow['attributes'] {
  const attributes: StoredRow['attributes'] = change?.replace === true ? {} : { ...old }
  for (const [name, value] of change?.entries ?? []) {
    if (value === null) delete attributes[name]
    else setAttribute(attributes, name, value)
  }
  return attributes
}

/** The limit of one record that the row passes, as a sentence; undefined when it passes none. */
function excessOf({ source, message, attributes }: StoredRow): string | undefined {
  const entries = Object.entries(attributes)
  if (entries.length > attributesPerRecordMax)
    return `The log would have ${entries.length} attributes, at most ${attributesPerRecordMax} are kept.`
  const texts = [source, message, ...entries.flatMap(([name, value]) => [name, String(value)])]
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0)
  return bytes > recordBytesMax ? `The log would have ${bytes} bytes, at most ${recordBytesMax} are kept.` : undefined
}
