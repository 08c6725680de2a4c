import { patchBytesPerShardMax, patchesPerShardMax } from '../../core/limits.ts'
import { noReadCost } from '../../engine/block/read_cost.ts'
import { openBlock } from '../../engine/block/reader.ts'
import type { BlockMeta, EncodedBlock } from '../../engine/block/types.ts'
import { createBlockBuilder } from '../../engine/block/writer.ts'
import type { BlockSource } from '../../engine/query/types.ts'
import type { EncodableRow, StoredRow } from '../../engine/row.ts'
import { setAttribute } from '../../engine/row.ts'
import type { ShardStore } from './store.ts'

export type Patches = ReturnType<typeof createPatches>

/**
 * Edited and deleted rows until a merge folds them in. Their old content is hidden in its block; the new content of
 * edited ones stands in an overlay block with explicit sequence numbers, built anew when a query follows a change.
 */
export function createPatches(store: ShardStore, now: () => number) {
  const known = store.loadPatches()
  /** All patched rows, ascending. */
  const seqs = known.map(({ seq }) => seq)
  /** Characters that the content of each patched row takes; 0 when it is deleted. */
  const sizes = new Map(known.map(({ seq, row }) => [seq, row?.length ?? 0]))
  let size = known.reduce((sum, { row }) => sum + (row?.length ?? 0), 0)
  let overlay: BlockSource[] | undefined

  return {
    /** The present content of a patched row, null when it was deleted, undefined when it has no patch. */
    get(seq: number): StoredRow | null | undefined {
      const length = sizes.get(seq)
      if (length === undefined) return undefined
      const row = length === 0 ? null : store.readPatch(seq)
      return row === null ? null : decodeRow(row)
    },

    isDeleted: (seq: number): boolean => sizes.get(seq) === 0,

    /** Writes the new content (null deletes the row). False, and nothing done, when a limit would be passed. */
    set(seq: number, row: StoredRow | null): boolean {
      const content = row === null ? null : encodeRow(row)
      const before = sizes.get(seq)
      const sizeAfter = size - (before ?? 0) + (content?.length ?? 0)
      if (before === undefined && seqs.length >= patchesPerShardMax) return false
      if (sizeAfter > size && sizeAfter > patchBytesPerShardMax) return false
      store.savePatch(seq, content)
      if (before === undefined) seqs.splice(lowerBound(seqs, seq), 0, seq)
      sizes.set(seq, content?.length ?? 0)
      size = sizeAfter
      overlay = undefined
      return true
    },

    /** The patched rows of a block, ascending; undefined when it has none. */
    hiddenIn(meta: BlockMeta): readonly number[] | undefined {
      if (seqs.length === 0) return undefined
      const hidden = seqs.slice(lowerBound(seqs, meta.firstSeq), lowerBound(seqs, meta.firstSeq + meta.rows))
      return hidden.length === 0 ? undefined : hidden
    },

    /** The edited rows as blocks. */
    overlay(): readonly BlockSource[] {
      overlay ??= buildOverlay(store, now())
      return overlay
    },
  }
}

function buildOverlay(store: ShardStore, nowMs: number): BlockSource[] {
  const builder = createBlockBuilder(nowMs)
  for (const { seq, row } of store.loadPatches()) {
    if (row === null) continue
    const { createdMs, updatedMs, ...content } = decodeRow(row)
    builder.add(encodable(content), { seq, createdMs, updatedMs })
  }
  return builder.finish().map(sourceOf)
}

function sourceOf({ meta, head, body }: EncodedBlock): BlockSource {
  const open: BlockSource['open'] = (cost) => openBlock(meta, head, () => body, cost)
  const lastSeq = open(noReadCost()).system('seq').range?.max
  return { meta, open, lastSeq }
}

/** A stored row's content in the shape that the encoder takes. */
export function encodable(row: Omit<StoredRow, 'seq' | 'createdMs' | 'updatedMs'>): EncodableRow {
  const { timestampMs, timestampNs, severity, source, message, attributes } = row
  return { timestampMs, timestampNs, severity, source, message, names: Object.keys(attributes), values: Object.values(attributes) }
}

type WireValue = string | number | boolean | { bigint: string }

function encodeRow(row: StoredRow): string {
  const attributes = Object.entries(row.attributes).map(([name, value]) => [
    name,
    typeof value === 'bigint' ? { bigint: String(value) } : value,
  ])
  return JSON.stringify({ ...row, attributes })
}

function decodeRow(json: string): StoredRow {
  const row = JSON.parse(json) as Omit<StoredRow, 'attributes'> & { attributes: [string, WireValue][] }
  const attributes: StoredRow['attributes'] = {}
  for (const [name, value] of row.attributes) setAttribute(attributes, name, typeof value === 'object' ? BigInt(value.bigint) : value)
  return { ...row, attributes }
}

/** Index of the first element that is not less than `value`. */
function lowerBound(sorted: readonly number[], value: number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((sorted[middle] ?? 0) < value) low = middle + 1
    else high = middle
  }
  return low
}
