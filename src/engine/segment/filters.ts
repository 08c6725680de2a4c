import type { TokenFilter } from '../block/column_reader.ts'
import type { NextFilter } from '../block/reader.ts'
import { bloomHas, filterPartitions, partitionOfHash, wholeFilterBytesMax } from '../encode/bloom.ts'
import { SegmentError } from './segment_error.ts'
import type { FilterPartition, SegmentBlock } from './types.ts'

/** True for a filter that stands partitioned, apart from the index; the others are whole, in the index. */
export function isPartitioned(filterBytes: number): boolean {
  return filterBytes > wholeFilterBytesMax
}

/** Bytes that the filters of a block take in the index, and in each partition. */
export function filterSizes({ filters }: SegmentBlock): { wholeBytes: number; partitionBytes: number } {
  let wholeBytes = 0
  let partitionBytes = 0
  for (const { length } of filters) {
    if (isPartitioned(length)) partitionBytes += length / filterPartitions
    else wholeBytes += length
  }
  return { wholeBytes, partitionBytes }
}

/** Writes the partitions of all filters of all blocks: for each partition its part of every filter, block after block. */
export function writePartitions(target: Uint8Array, start: number, blocks: readonly SegmentBlock[]): void {
  const filters = blocks.flatMap((block) => block.filters.filter(({ length }) => isPartitioned(length)))
  let at = start
  for (let partition = 0; partition < filterPartitions; partition++) {
    for (const filter of filters) {
      const length = filter.length / filterPartitions
      target.set(filter.subarray(partition * length, (partition + 1) * length), at)
      at += length
    }
  }
}

/** Where the filters of one block are. */
export interface FilterPlaces {
  /** Those in the index, one after the other. */
  whole: Uint8Array
  /** First byte and length, within each partition, of its parts of the others. */
  partitionStart: number
  partitionBytes: number
}

/** The filter partitions that were read, by their number. */
export type Partitions = Pick<ReadonlyMap<number, FilterPartition>, 'get'>

/** Hands out the filters of a block in directory order. */
export function filtersOf(places: FilterPlaces, partitions: Partitions): { next: NextFilter; isAtEnd(): boolean } {
  let wholeEnd = 0
  let partEnd = 0
  return {
    next(bytes) {
      if (!isPartitioned(bytes)) {
        const filter = places.whole.subarray(wholeEnd, wholeEnd + bytes)
        wholeEnd += bytes
        return (hash) => bloomHas(filter, hash)
      }
      if (bytes % filterPartitions !== 0) throw new SegmentError(`a filter of ${bytes} bytes cannot be partitioned`)
      const start = places.partitionStart + partEnd
      const length = bytes / filterPartitions
      partEnd += length
      return partitionedFilter(partitions, start, length)
    },
    isAtEnd: () => wholeEnd === places.whole.length && partEnd === places.partitionBytes,
  }
}

function partitionedFilter(partitions: Partitions, start: number, length: number): TokenFilter {
  return (hash) => {
    const partition = partitions.get(partitionOfHash(hash))
    return partition === undefined || bloomHas(partition.bytes.subarray(start, start + length), hash)
  }
}
