import { seededRandom } from '../support/seeded_random.ts'

/** A seeded source of chance, so that a failing schedule can be run again by its seed. */
export interface Random {
  /** An integer, 0 <= x < below. */
  below(below: number): number
  pick<T>(items: readonly T[]): T
  /** True with this probability. */
  chance(probability: number): boolean
  /** One of the values, each as likely as its weight says. */
  weighted<T>(choices: readonly (readonly [weight: number, value: T])[]): T
}

export function createRandom(seed: number): Random {
  const below = seededRandom(seed)
  return {
    below,
    pick(items) {
      if (items.length === 0) throw new RangeError('nothing to pick from')
      return items[below(items.length)] as (typeof items)[number]
    },
    chance: (probability) => below(1_000_000) < probability * 1_000_000,
    weighted(choices) {
      let left = below(choices.reduce((sum, [weight]) => sum + weight, 0))
      for (const [weight, value] of choices) {
        if (left < weight) return value
        left -= weight
      }
      throw new RangeError('nothing to choose from')
    },
  }
}

/** The seed of one step of a schedule: steps do not share their chance, so that one can be left out and the others stay. */
export function stepSeed(seed: number, step: number): number {
  return (Math.imul(seed, 0x9e3779b1) ^ Math.imul(step + 1, 0x85ebca6b)) | 0
}
