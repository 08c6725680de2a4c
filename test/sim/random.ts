import { seededRandom } from '../support/rows.ts'

/** A seeded source of chance, so that a failing schedule can be run again by its seed. */
export interface Random {
  /** An integer, 0 <= x < below. */
  below(below: number): number
  pick<T>(items: readonly T[]): T
  /** True with this probability. */
  chance(probability: number): boolean
}

export function createRandom(seed: number): Random {
  const below = seededRandom(seed)
  return {
    below,
    pick(items) {
      const item = items[below(items.length)]
      if (item === undefined) throw new RangeError('nothing to pick from')
      return item
    },
    chance: (probability) => below(1_000_000) < probability * 1_000_000,
  }
}
