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
  const damaged = new Map(store.loadDamaged().map((damage) => [damage.segment, damage]))

  function save(changes: Partial<StorageRecord>): Change {
    const next = { ...record, ...changes }
    store.saveStorage(next)
    return { afterwards: () => void (record = next) }
  }

  return {
    record: (): StorageRecord => record,
    size: () => segments.size,
    entries: (): Iterable<SegmentEntry> => segments.values(),
    get: (key: string): SegmentEntry | undefined => segments.get(key),

    /** Present segments in the order of their keys. */
    all: (): SegmentMeta[] => Array.from(segments.values(), ({ meta }) => meta).sort((a, b) => (a.key < b.key ? -1 : 1)),

    /** Segments that may hold rows of the range with seq <= maxSeq, received at keepFromMs or later. */
    inRange({ fromMs, toMs }: TimeRange, maxSeq: number, keepFromMs: number): SegmentMeta[] {
      const found: SegmentMeta[] = []
      for (const { meta } of segments.values()) {
        if (meta.maxMs >= fromMs && meta.minMs < toMs && meta.minSeq <= maxSeq && meta.maxCreatedMs >= keepFromMs) found.push(meta)
      }
      return found
    },

    /** Segments that may hold a row of fromSeq <= seq <= toSeq. */
    holding(fromSeq: number, toSeq: number): SegmentMeta[] {
      const found: SegmentMeta[] = []
      for (const { meta } of segments.values()) if (meta.minSeq <= toSeq && meta.maxSeq >= fromSeq) found.push(meta)
      return found
    },

    /** Smallest and greatest event time of all segments; Infinity and -Infinity when there are none. */
    extent(): { minMs: number; maxMs: number } {
      const extent = { minMs: Infinity, maxMs: -Infinity }
      for (const { meta } of segments.values()) {
        extent.minMs = Math.min(extent.minMs, meta.minMs)
        extent.maxMs = Math.max(extent.maxMs, meta.maxMs)
      }
      return extent
    },

    isDamaged: (segment: string): boolean => damaged.has(segment),
    damaged: (): Damage[] => [...damaged.values()],

    /** Remembers that a job cannot use a segment, so that none tries again. */
    markDamaged(damage: Damage): void {
      store.saveDamaged(damage)
      damaged.set(damage.segment, damage)
    },

    forgetDamaged(segment: string): void {
      store.deleteDamaged(segment)
      damaged.delete(segment)
    },

    /** Changes the record alone. */
    save,

    /**
     * Writes an operation: what it adds is garbage no more, what it removes is from now on. Within the caller's transaction;
     * call `afterwards` once that holds.
     */
    append(content: OperationContent, changes: Partial<StorageRecord>): Change {
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
      const saved = save({ ...changes, last: { number: operation.number, hash: operation.hash } })
      return {
        afterwards() {
          saved.afterwards()
          for (const { key } of operation.removed) {
            segments.delete(key)
            damaged.delete(key)
          }
          for (const entry of added) segments.set(entry.meta.key, entry)
        },
      }
    },
  }
}
