// Loops over numbers answer with typed arrays, and functions with such a loop make no object with number fields: in V8 13.6
// a literal behind a loop that is being optimized now and then shares its fields with the object that was made before it.

/** Smallest and greatest of the numbers; Infinity and -Infinity when there are none. */
export function extentOf(values: Float64Array): Float64Array {
  let min = Infinity
  let max = -Infinity
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!
    if (value < min) min = value
    if (value > max) max = value
  }
  return Float64Array.of(min, max)
}

/** The same of the differences between each number and the one before it; the first one has none. */
export function stepExtentOf(values: Float64Array): Float64Array {
  let min = Infinity
  let max = -Infinity
  for (let i = 1; i < values.length; i++) {
    const step = values[i]! - values[i - 1]!
    if (step < min) min = step
    if (step > max) max = step
  }
  return Float64Array.of(min, max)
}
