import { patchAttributeBytes, patchBytesPerShardMax, patchesPerShardMax, seqMax } from '../../core/limits.ts'
import { noReadCost } from '../../engine/block/read_cost.ts'
import { openBlock } from '../../engine/block/reader.ts'
import type { BlockMeta, EncodedBlock } from '../../engine/block/types.ts'
import { createBlockBuilder } from '../../engine/block/writer.ts'
import type { BlockSource } from '../../engine/query/types.ts'
import type { EncodableRow, StoredRow } from '../../engine/row.ts'
import { setAttribute } from '../../engine/row.ts'
import { createOverlay, lowerBound } from './overlay.ts'
import type { ShardStore } from './store.ts'

export type Patches = ReturnType<typeof createPatches>

/**
 * Edited and deleted rows until a merge folds them in. Their old content is hidden in its block; the new content of
 * edited ones stands in overlay blocks with explicit sequence numbers.
 */
export function createPatches(store: ShardStore, now: () => number) {
  /** All patched rows, ascending. */
  const seqs: number[] = []
  /** What each patched row counts towards `patchBytesPerShardMax`; 0 when it is deleted. */
  const sizes = new Map<number, number>()
  let size = 0
  const overlay = createOverlay((fromSeq, toSeq) => encodePatches(store.readPatches(fromSeq, toSeq), now()))

  function remember(seq: number, rowSize: number): void {
    const before = sizes.get(seq)
    if (before === undefined)
      seqs.splice(
        lowerBound(seqs, seq, (known) => known),
        0,
        seq,
      )
    sizes.set(seq, rowSize)
    size += rowSize - (before ?? 0)
    overlay.changed(seq, rowSize)
  }
  for (const { seq, row } of store.readPatches(0, seqMax + 1)) remember(seq, row === null ? 0 : sizeOf(row, decodeRow(row)))

  return {
    /** The present content of a patched row, null when it was deleted, undefined when it has no patch. */
    get(seq: number): StoredRow | null | undefined {
      const rowSize = sizes.get(seq)
      if (rowSize === undefined) return undefined
      const row = rowSize === 0 ? null : store.readPatch(seq)
      return row === null ? null : decodeRow(row)
    },

    isDeleted: (seq: number): boolean => sizes.get(seq) === 0,

    /** Writes the new content (null deletes the row). False, and nothing done, when a limit would be passed. */
    set(seq: number, row: StoredRow | null): boolean {
      const content = row === null ? null : encodeRow(row)
      const rowSize = row === null || content === null ? 0 : sizeOf(content, row)
      const before = sizes.get(seq)
      const growth = rowSize - (before ?? 0)
      if (before === undefined && seqs.length >= patchesPerShardMax) return false
      if (growth > 0 && size + growth > patchBytesPerShardMax) return false
      store.savePatch(seq, content)
      remember(seq, rowSize)
      return true
    },

    /** The patched rows of a block, ascending; undefined when it has none. */
    hiddenIn(meta: BlockMeta): readonly number[] | undefined {
      if (seqs.length === 0) return undefined
      const placeOf = (seq: number) => lowerBound(seqs, seq, (known) => known)
      const hidden = seqs.slice(placeOf(meta.firstSeq), placeOf(meta.firstSeq + meta.rows))
      return hidden.length === 0 ? undefined : hidden
    },

    /** The edited rows as blocks. */
    overlay: (): readonly BlockSource[] => overlay.sources(),
  }
}

function sizeOf(content: string, { attributes }: StoredRow): number {
  return content.length + Object.keys(attributes).length * patchAttributeBytes
}

function encodePatches(patches: readonly { seq: number; row: string | null }[], nowMs: number): BlockSource[] {
  const builder = createBlockBuilder(nowMs)
  for (const { seq, row } of patches) {
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
