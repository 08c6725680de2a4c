import { Buffer } from 'node:buffer'
import { attributesPerRecordMax, recordBytesMax } from '../../core/limits.ts'
import { bitmapHas } from '../../engine/bitmap.ts'
import { BlockError } from '../../engine/block/block_error.ts'
import { noReadCost } from '../../engine/block/read_cost.ts'
import type { Block } from '../../engine/block/types.ts'
import { everything, visibleRows } from '../../engine/query/visible_rows.ts'
import type { StoredRow } from '../../engine/row.ts'
import { setAttribute } from '../../engine/row.ts'
import { encodeRows } from './patches.ts'
import type { ChangeReply, DeleteReply, RowChange } from './protocol.ts'
import type { SealedPlaces, SealedRow } from './protocol_storage.ts'
import type { ShardState } from './state.ts'

/** The present content of a row, null when it was deleted or erased or never was; of a sealed one the places where it may be. */
export function getRow(state: ShardState, seq: number): { row: StoredRow | null } | SealedPlaces {
  const patched = patchedRow(state, seq)
  if (patched !== undefined) return { row: patched }
  const meta = state.index.find(seq)
  if (meta === undefined) return seq >= 1 && seq <= state.manifest.record().sealedSeq ? sealedPlaces(state, seq) : { row: null }
  const block = state.open(meta, noReadCost())
  const place = seq - meta.firstSeq
  const row = isVisible(state, block, place) ? (block.materialise([place])[0] ?? null) : null
  block.release()
  return { row }
}

/** Merges the change into the row in one step. A sealed row that nobody edited yet comes with the call. */
export function changeRow(state: ShardState, seq: number, change: RowChange, nowMs: number, sealed?: SealedRow): ChangeReply {
  const found = presentRow(state, seq, sealed)
  if ('status' in found) return found
  const old = found.row
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
    // An edit of a row that an erasure left alone is newer than the erasure, whatever the clock says.
    updatedMs: Math.max(nowMs, old.createdMs, state.erasures.newestMs() + 1),
  }
  const excess = excessOf(row)
  if (excess !== undefined) return { status: 'too_large', detail: excess }
  return state.patches.set(seq, row) ? { status: 'changed', row } : { status: 'too_many_patches' }
}

/** Hides the row for ever; its block keeps the bytes until it is rewritten. */
export function deleteRow(state: ShardState, seq: number, sealed?: SealedRow): DeleteReply {
  const isPlain = state.index.find(seq) !== undefined && !state.patches.has(seq) && state.erasures.active().length === 0
  if (isPlain) return remove(state, seq)
  try {
    const found = presentRow(state, seq, sealed)
    if ('status' in found) return found
    return found.row === null ? { status: 'missing' } : remove(state, seq)
  } catch (error) {
    // A row of a damaged block can be deleted all the same.
    if (error instanceof BlockError) return remove(state, seq)
    throw error
  }
}

function remove(state: ShardState, seq: number): DeleteReply {
  return { status: state.patches.set(seq, null) ? 'deleted' : 'too_many_patches' }
}

/** The row as `getRow` knows it, else the sealed one that the caller read, while its segment is still a part of the shard. */
function presentRow(state: ShardState, seq: number, sealed: SealedRow | undefined): { row: StoredRow | null } | SealedPlaces {
  const known = getRow(state, seq)
  if (!('status' in known) || sealed === undefined || state.manifest.get(sealed.segment) === undefined) return known
  if (sealed.row.seq !== seq) throw new RangeError(`row ${sealed.row.seq} was given for row ${seq}`)
  return { row: isErased(state, sealed.row) ? null : sealed.row }
}

/** The present content of a row that was edited, null when it was deleted or erased, undefined when it was not changed. */
export function patchedRow(state: ShardState, seq: number): StoredRow | null | undefined {
  const patched = state.patches.get(seq)
  return patched && isErased(state, patched) ? null : patched
}

function sealedPlaces(state: ShardState, seq: number): SealedPlaces {
  return { status: 'sealed', segments: state.manifest.holding(seq, seq), erasures: state.erasures.plain() }
}

function isErased(state: ShardState, row: StoredRow): boolean {
  if (state.erasures.active().length === 0) return false
  const block = encodeRows([row], row.createdMs)[0]!.open(noReadCost())
  return !isVisible(state, block, 0)
}

/** Is a row of a block free of all erasures? */
function isVisible(state: ShardState, block: Block, row: number): boolean {
  const erasures = state.erasures.filters()
  if (erasures.length === 0) return true
  return bitmapHas(visibleRows(block, { ...everything, erasures }, undefined), row)
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
