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
