import { releaseBytes } from '../../core/buffers.ts'
import { filterCacheBytesMax, indexCacheBytesMax, objectReadsAtOnceMax, scanGapBytes } from '../../core/limits.ts'
import type { ObjectStore } from '../../core/object_store.ts'
import type { ByteRange } from '../block/types.ts'
import type { BodyParts } from './body.ts'
import { openSegmentIndex } from './index_reader.ts'
import type { BlockOutline } from './outline.ts'
import { outlineCacheBytesMax } from './outline.ts'
import type { ByteCache } from './scan_cache.ts'
import { createByteCache } from './scan_cache.ts'
import { SegmentError } from './segment_error.ts'
import type { FilterPartition, SegmentBlockEntry, SegmentIndex, SegmentMeta } from './types.ts'

/** There is no such object: the segment was merged into another one meanwhile, or is lost. */
export class SegmentMissingError extends Error {
  readonly key: string

  constructor(key: string) {
    super(`there is no object ${key}`)
    this.name = 'SegmentMissingError'
    this.key = key
  }
}

/** What an isolate remembers of segments from query to query. An object under a key never changes, so nothing gets stale. */
export interface SegmentCaches {
  indexes: ByteCache<SegmentIndex>
  partitions: ByteCache<FilterPartition>
  outlines: ByteCache<BlockOutline>
}

export function createSegmentCaches(): SegmentCaches {
  return {
    indexes: createByteCache(indexCacheBytesMax),
    partitions: createByteCache(filterCacheBytesMax),
    outlines: createByteCache(outlineCacheBytesMax),
  }
}

/**
 * Reads parts of segments, for one query. All methods throw `SegmentError` when what comes is damaged, `SegmentMissingError`
 * when the object is not there, and what the store throws when it cannot be reached.
 */
export interface SegmentReader {
  index(meta: SegmentMeta): Promise<SegmentIndex>
  /** What rules out block `n`, of an index that was read; tells `onMade` when it was not remembered. */
  outline(meta: SegmentMeta, index: SegmentIndex, n: number, onMade: (outline: BlockOutline) => void): BlockOutline
  /** The filter partitions that can rule these tokens out. */
  partitions(meta: SegmentMeta, index: SegmentIndex, tokens: readonly string[]): Promise<Map<number, FilterPartition>>
  /** Reads ranges of a block's body, those near each other at once. */
  body(meta: SegmentMeta, entry: SegmentBlockEntry, body: BodyParts, ranges: readonly ByteRange[]): Promise<void>
  readonly cost: { objectReads: number; objectBytes: number }
}

export function createSegmentReader(objects: Pick<ObjectStore, 'read'>, caches: SegmentCaches): SegmentReader {
  const cost = { objectReads: 0, objectBytes: 0 }
  const inTurn = createTurns(objectReadsAtOnceMax)

  async function read({ key }: SegmentMeta, { start, end }: ByteRange): Promise<Uint8Array> {
    cost.objectReads++
    const bytes = await inTurn(() => objects.read(key, start, end)).catch((cause: unknown) => {
      throw new Error('the object storage did not answer', { cause })
    })
    if (bytes === undefined) throw new SegmentMissingError(key)
    cost.objectBytes += bytes.length
    if (bytes.length !== end - start) throw new SegmentError(`it ends at byte ${start + bytes.length}, before ${end}`)
    return bytes
  }

  return {
    cost,

    async index(meta) {
      const known = caches.indexes.get(meta.key)
      if (known !== undefined) return known
      const bytes = await read(meta, { start: meta.bytes - meta.indexBytes, end: meta.bytes })
      const index = openSegmentIndex(meta, bytes)
      releaseBytes(bytes)
      caches.indexes.put(meta.key, index, index.memoryBytes)
      return index
    },

    outline: ({ key }, index, n, onMade) => outlineOnce(caches.outlines, `${key} ${n}`, () => index.outline(n), onMade),

    async partitions(meta, index, tokens) {
      const wanted = new Set(tokens.flatMap((token) => index.partitionOf(token) ?? []))
      const found = new Map<number, FilterPartition>()
      await Promise.all(
        Array.from(wanted, async (number) => {
          const key = `${meta.key} ${number}`
          let partition = caches.partitions.get(key)
          if (partition === undefined) {
            const bytes = await read(meta, index.partitionRange(number))
            partition = index.openPartition(number, new Uint8Array(bytes))
            releaseBytes(bytes)
            caches.partitions.put(key, partition, partition.bytes.length)
          }
          found.set(number, partition)
        }),
      )
      return found
    },

    async body(meta, { bodyStart }, body, ranges) {
      await Promise.all(
        joinedRanges(ranges).map(async ({ start, end }) => {
          body.add(start, await read(meta, { start: bodyStart + start, end: bodyStart + end }))
        }),
      )
    },
  }
}

function outlineOnce(
  known: ByteCache<BlockOutline>,
  name: string,
  make: () => BlockOutline,
  onMade: (outline: BlockOutline) => void,
): BlockOutline {
  const remembered = known.get(name)
  if (remembered !== undefined) return remembered
  const outline = make()
  known.put(name, outline, outline.memoryBytes)
  onMade(outline)
  return outline
}

/** The ranges, ascending, those that are near each other joined; without empty ones, which a body of constants alone has. */
function joinedRanges(ranges: readonly ByteRange[]): ByteRange[] {
  const joined: ByteRange[] = []
  for (const range of ranges) {
    if (range.end === range.start) continue
    const last = joined.at(-1)
    if (last !== undefined && range.start <= last.end + scanGapBytes) last.end = range.end
    else joined.push({ ...range })
  }
  return joined
}

/** Lets at most `atOnce` of the given works run; the others wait in order. */
function createTurns(atOnce: number) {
  const waiting: (() => void)[] = []
  let running = 0
  return async <T>(work: () => Promise<T>): Promise<T> => {
    if (running === atOnce) await new Promise<void>((resolve) => waiting.push(resolve))
    else running++
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next === undefined) running--
      else next()
    }
  }
}
