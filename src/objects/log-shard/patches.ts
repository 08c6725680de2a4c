import { patchAttributeBytes, patchBytesPerShardMax, patchesPerShardMax, seqMax } from '../../core/limits.ts'
import { noReadCost } from '../../engine/block/read_cost.ts'
import { openBlock } from '../../engine/block/reader.ts'
import type { BlockMeta, EncodedBlock } from '../../engine/block/types.ts'
import { createBlockBuilder } from '../../engine/block/writer.ts'
import { lastAtMost, within } from '../../engine/lower_bound.ts'
import type { BlockSource } from '../../engine/query/types.ts'
import type { EncodableRow, StoredRow } from '../../engine/row.ts'
import { setAttribute } from '../../engine/row.ts'
import { createOverlay } from './overlay.ts'
import type { Change } from './manifest.ts'
import type { ShardStore, StoredPatch } from './store.ts'

export type Patches = ReturnType<typeof createPatches>

/** What is known of a patch without reading it. */
interface Known {
  /** What it counts towards `patchBytesPerShardMax`; 0 when the row is deleted. */
  size: number
  changedMs: number
  /** Another one for each change, so that a rewrite knows whether it has folded the newest. */
  version: number
}

/** A patch as a rewrite folds it in. */
export interface FoldedPatch {
  seq: number
  version: number
  /** Null when the row is deleted. */
  row: StoredRow | null
}

/**
 * Edited and deleted rows until a rewrite folds them in. Their old content is hidden in its block; the new content of
 * edited ones stands in overlay blocks with explicit sequence numbers.
 */
export function createPatches(store: ShardStore, now: () => number) {
  const list = createPatchList()
  const overlay = createOverlay((fromSeq, toSeq) => encodePatches(store.readPatches(fromSeq, toSeq), now()))

  function remember(seq: number, size: number, changedMs: number): void {
    list.put(seq, size, changedMs)
    overlay.changed(seq, size)
  }

  for (const { seq, row, changedMs } of store.readPatches(0, seqMax + 1))
    remember(seq, row === null ? 0 : sizeOf(row, decodeRow(row)), changedMs)

  function get(seq: number): StoredRow | null | undefined {
    const known = list.get(seq)
    if (known === undefined) return undefined
    const row = known.size === 0 ? null : store.readPatch(seq)
    return row === null ? null : decodeRow(row)
  }

  return {
    /** The present content of a patched row, null when it was deleted, undefined when it has no patch. */
    get,
    has: (seq: number): boolean => list.get(seq) !== undefined,
    changedMs: (seq: number): number => list.get(seq)?.changedMs ?? 0,
    /** When the newest of the changes that are not folded in was made; 0 when there are none. */
    newestMs: list.newestMs,
    count: () => list.count(),
    /** How much of what one shard may have there is: 0 to 1. */
    share: () => Math.max(list.count() / patchesPerShardMax, list.size() / patchBytesPerShardMax),
    /** Patched rows of fromSeq <= seq <= toSeq, ascending. */
    within: list.within,

    /** Writes the new content (null deletes the row). False, and nothing done, when a limit would be passed. */
    set(seq: number, row: StoredRow | null): boolean {
      const content = row === null ? null : encodeRow(row)
      const size = row === null || content === null ? 0 : sizeOf(content, row)
      const before = list.get(seq)
      const growth = size - (before?.size ?? 0)
      if (before === undefined && list.count() >= patchesPerShardMax) return false
      if (growth > 0 && list.size() + growth > patchBytesPerShardMax) return false
      // An edit may be later than the clock (see `changeRow`); whoever asks for its age must not find it older.
      const changedMs = Math.max(now(), row?.updatedMs ?? 0)
      store.savePatch({ seq, row: content, changedMs })
      remember(seq, size, changedMs)
      return true
    },

    /** The present content of these patched rows, for a rewrite. */
    snapshot: (patched: readonly number[]): FoldedPatch[] =>
      patched.map((seq) => ({ seq, version: list.get(seq)?.version ?? 0, row: get(seq) ?? null })),

    /** Deletes those of the patches that did not change since their snapshot, within the caller's transaction. */
    remove(folded: readonly Pick<FoldedPatch, 'seq' | 'version'>[]): Change {
      const gone = folded.filter(({ seq, version }) => list.get(seq)?.version === version).map(({ seq }) => seq)
      for (const seq of gone) store.deletePatch(seq)
      return {
        afterwards() {
          list.remove(gone)
          for (const seq of gone) overlay.removed(seq)
        },
      }
    },

    /** The patched rows of a block, ascending; undefined when it has none. */
    hiddenIn(meta: BlockMeta): readonly number[] | undefined {
      const hidden = list.within(meta.firstSeq, meta.firstSeq + meta.rows - 1)
      return hidden.length === 0 ? undefined : hidden
    },

    /** The edited rows as blocks. */
    overlay: (): readonly BlockSource[] => overlay.sources(),
  }
}

/** Which rows have a patch, and what is known of each without reading it. */
function createPatchList() {
  /** Ascending. */
  const seqs: number[] = []
  const known = new Map<number, Known>()
  let size = 0
  let versions = 0

  return {
    count: () => seqs.length,
    /** Content of edited rows, as `patchBytesPerShardMax` counts it. */
    size: () => size,
    get: (seq: number): Known | undefined => known.get(seq),
    newestMs: (): number => known.values().reduce((max, { changedMs }) => Math.max(max, changedMs), 0),
    within: (fromSeq: number, toSeq: number): number[] => within(seqs, fromSeq, toSeq),

    put(seq: number, rowSize: number, changedMs: number): void {
      const before = known.get(seq)
      if (before === undefined) seqs.splice(lastAtMost(seqs, seq) + 1, 0, seq)
      known.set(seq, { size: rowSize, changedMs, version: ++versions })
      size += rowSize - (before?.size ?? 0)
    },

    remove(gone: readonly number[]): void {
      for (const seq of gone) {
        size -= known.get(seq)?.size ?? 0
        known.delete(seq)
      }
      const kept = seqs.filter((seq) => known.has(seq))
      seqs.splice(0, seqs.length, ...kept)
    },
  }
}

function sizeOf(content: string, { attributes }: StoredRow): number {
  return content.length + Object.keys(attributes).length * patchAttributeBytes
}

function encodePatches(patches: readonly StoredPatch[], nowMs: number): BlockSource[] {
  return encodeRows(
    patches.flatMap(({ row }) => (row === null ? [] : [decodeRow(row)])),
    nowMs,
  )
}

/** Rows as blocks with their own sequence numbers and times. */
export function encodeRows(rows: readonly StoredRow[], nowMs: number): BlockSource[] {
  const builder = createBlockBuilder(nowMs)
  for (const { seq, createdMs, updatedMs, ...content } of rows) builder.add(encodable(content), { seq, createdMs, updatedMs })
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
