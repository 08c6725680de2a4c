import { segmentGraceMs } from '../../core/limits.ts'
import type { Damage, TimeRange } from '../../engine/query/types.ts'
import type { SegmentMeta } from '../../engine/segment/types.ts'
import { hashOfOperation } from './manifest_hash.ts'
import type { ManifestOperation } from './protocol_storage.ts'
import type { ShardStore } from './store.ts'
import type { SegmentEntry, StorageRecord } from './store_storage.ts'

export type Manifest = ReturnType<typeof createManifest>

/** What an operation says of itself; number and hashes follow from the one before it. */
export type OperationContent = Omit<ManifestOperation, 'number' | 'previousHash' | 'hash'>

/** A change that memory follows once its transaction holds. */
export interface Change {
  afterwards(): void
}

/** The sealed segments of the shard and how they came to be, in memory as it is in SQLite. */
export function createManifest(store: ShardStore) {
  let record: StorageRecord = store.loadStorage()
  const segments = new Map(store.loadSegments().map((entry) => [entry.meta.key, entry]))
  const damage = createDamageList(store)

  function save(changes: Partial<StorageRecord>): Change {
    const next = { ...record, ...changes }
    store.saveStorage(next)
    return { afterwards: () => void (record = next) }
  }

  /**
   * Writes an operation: what it adds is garbage no more, what it removes is from now on. Within the caller's transaction;
   * call `afterwards` once that holds.
   */
  function append(content: OperationContent, changes: Partial<StorageRecord>): Change {
    const unsigned = { ...content, number: record.last.number + 1, previousHash: record.last.hash }
    const operation: ManifestOperation = { ...unsigned, hash: hashOfOperation(unsigned) }
    const added = operation.added.map((meta): SegmentEntry => ({ operation: operation.number, meta }))
    store.insertOperation(operation)
    for (const entry of added) store.insertSegment(entry)
    store.forgetGarbage(operation.added.map(({ key }) => key))
    for (const { key } of operation.removed) {
      store.deleteSegment(key)
      store.saveGarbage(key, operation.atMs + segmentGraceMs)
    }
    const parts = [
      save({ ...changes, last: { number: operation.number, hash: operation.hash } }),
      ...operation.removed.filter(({ key }) => damage.has(key)).map(({ key }) => damage.forget(key)),
    ]
    return {
      afterwards() {
        for (const part of parts) part.afterwards()
        for (const { key } of operation.removed) segments.delete(key)
        for (const entry of added) segments.set(entry.meta.key, entry)
      },
    }
  }

  return { record: (): StorageRecord => record, save, append, damage, ...lookups(segments) }
}

function lookups(segments: ReadonlyMap<string, SegmentEntry>) {
  function having(test: (meta: SegmentMeta) => boolean): SegmentMeta[] {
    const found: SegmentMeta[] = []
    for (const { meta } of segments.values()) if (test(meta)) found.push(meta)
    return found
  }

  return {
    size: () => segments.size,
    entries: (): Iterable<SegmentEntry> => segments.values(),
    get: (key: string): SegmentEntry | undefined => segments.get(key),

    /** Present segments in the order of their keys. */
    all: (): SegmentMeta[] => having(() => true).sort((a, b) => (a.key < b.key ? -1 : 1)),

    /** Segments that may hold rows of the range with seq <= maxSeq, received at keepFromMs or later. */
    inRange: ({ fromMs, toMs }: TimeRange, maxSeq: number, keepFromMs: number): SegmentMeta[] =>
      having((meta) => meta.maxMs >= fromMs && meta.minMs < toMs && meta.minSeq <= maxSeq && meta.maxCreatedMs >= keepFromMs),

    /** Segments that may hold a row of fromSeq <= seq <= toSeq. */
    holding: (fromSeq: number, toSeq: number): SegmentMeta[] => having((meta) => meta.minSeq <= toSeq && meta.maxSeq >= fromSeq),

    /** Smallest and greatest event time of all segments; Infinity and -Infinity when there are none. */
    extent(): { minMs: number; maxMs: number } {
      const extent = { minMs: Infinity, maxMs: -Infinity }
      for (const { meta } of segments.values()) {
        extent.minMs = Math.min(extent.minMs, meta.minMs)
        extent.maxMs = Math.max(extent.maxMs, meta.maxMs)
      }
      return extent
    },
  }
}

/** Parts that a job found damaged, so that none tries again: keys of segments, and `blockName` of hot blocks. */
function createDamageList(store: ShardStore) {
  const damaged = new Map(store.loadDamaged().map((damage) => [damage.segment, damage]))
  return {
    has: (part: string): boolean => damaged.has(part),
    all: (): Damage[] => [...damaged.values()],

    add(damage: Damage): Change {
      store.saveDamaged(damage)
      return { afterwards: () => void damaged.set(damage.segment, damage) }
    },

    forget(part: string): Change {
      store.deleteDamaged(part)
      return { afterwards: () => void damaged.delete(part) }
    },
  }
}
