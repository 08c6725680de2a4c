import type { BlockSource } from './types.ts'

/** The blocks of an operation. An array is one; a shard has too many to hold a source of each and makes them as asked. */
export interface BlockList extends Iterable<BlockSource> {
  readonly length: number
  at(place: number): BlockSource | undefined
}

/** A list whose sources are made anew each time, by their place in it. */
export function createBlockList(length: number, sourceAt: (place: number) => BlockSource): BlockList {
  return {
    length,
    at: (place) => (place < length ? sourceAt(place) : undefined),
    *[Symbol.iterator]() {
      for (let place = 0; place < length; place++) yield sourceAt(place)
    },
  }
}
