/** Numbers in [0, 1) that are the same for the same seed (mulberry32, public domain, by Tommy Ettinger). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

export function pick<T>(random: () => number, list: readonly T[]): T {
  const found = list[Math.floor(random() * list.length)]
  if (found === undefined) throw new RangeError('there is nothing to pick from')
  return found
}

/** One of the keys, as often as its weight says; weights sum to 1. */
export function pickWeighted<T>(random: () => number, weights: readonly (readonly [T, number])[]): T {
  let left = random()
  for (const [value, weight] of weights) {
    left -= weight
    if (left < 0) return value
  }
  const last = weights.at(-1)
  if (!last) throw new RangeError('there is nothing to pick from')
  return last[0]
}
