/** Index of the first element whose key is not less than `value`. */
export function lowerBound<T>(sorted: readonly T[], value: number, keyOf: (element: T) => number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (keyOf(sorted[middle]!) < value) low = middle + 1
    else high = middle
  }
  return low
}

/** Index of the last of some ascending numbers that is not greater than `value`; -1 when all are. */
export function lastAtMost(sorted: ArrayLike<number>, value: number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (sorted[middle]! <= value) low = middle + 1
    else high = middle
  }
  return low - 1
}

/** Those of some ascending, distinct integers that are from `first` to `last`, both included. */
export function within(sorted: readonly number[], first: number, last: number): number[] {
  return sorted.slice(lastAtMost(sorted, first - 1) + 1, lastAtMost(sorted, last) + 1)
}
