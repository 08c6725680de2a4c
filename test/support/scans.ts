import { createHash } from 'node:crypto'
import type { ObjectStore } from '../../src/core/object_store.ts'
import { addRow, createBuffer } from '../../src/engine/block/block_buffer.ts'
import type { RowExtra } from '../../src/engine/block/block_buffer.ts'
import type { EncodableRow, StoredRow } from '../../src/engine/row.ts'
import { encodeSegmentBlock } from '../../src/engine/segment/block_encoder.ts'
import { createSegmentCaches, createSegmentReader } from '../../src/engine/segment/scan_reader.ts'
import type { SegmentReader } from '../../src/engine/segment/scan_reader.ts'
import type { SegmentMeta } from '../../src/engine/segment/types.ts'
import { createSegmentWriter } from '../../src/engine/segment/writer.ts'
import { receivedMs, storedRow } from './rows.ts'

/** A row with what a shard adds to it. */
export interface SealedRow {
  row: EncodableRow
  extra: Required<RowExtra>
}

/** Objects in memory, and what was read of them. */
export interface MemoryObjects extends Pick<ObjectStore, 'read'> {
  objects: Map<string, Uint8Array>
  reads: { key: string; start: number; end: number }[]
}

export function memoryObjects(): MemoryObjects {
  const objects = new Map<string, Uint8Array>()
  const reads: MemoryObjects['reads'] = []
  return {
    objects,
    reads,
    async read(key, start, end) {
      reads.push({ key, start, end })
      await new Promise<void>((resolve) => setImmediate(resolve))
      return objects.get(key)?.slice(start, end)
    },
  }
}

export function readerOf(objects: Pick<ObjectStore, 'read'>): SegmentReader {
  return createSegmentReader(objects, createSegmentCaches())
}

/** Seals rows into one segment, in the order of time, `blockRows` to a block. */
export function sealRows(store: MemoryObjects, key: string, rows: readonly SealedRow[], blockRows: number): SegmentMeta {
  const sorted = rows.toSorted(
    (a, b) => a.row.timestampMs - b.row.timestampMs || a.row.timestampNs - b.row.timestampNs || a.extra.seq - b.extra.seq,
  )
  const writer = createSegmentWriter()
  for (let first = 0; first < sorted.length; first += blockRows) {
    const buffer = createBuffer()
    for (const { row, extra } of sorted.slice(first, first + blockRows)) addRow(buffer, row, extra, receivedMs)
    writer.add(encodeSegmentBlock(buffer))
  }
  const { bytes, meta } = writer.finish()
  store.objects.set(key, bytes)
  return { ...meta, key, sha256: createHash('sha256').update(bytes).digest('hex') }
}

/** The row as a query gives it back. */
export function sealedAsStored({ row, extra }: SealedRow): StoredRow {
  const { attributes, ...stored } = storedRow(row, extra.seq)
  return { ...stored, attributes: { ...attributes }, createdMs: extra.createdMs, updatedMs: extra.updatedMs }
}
