import { sketchBinsMax } from '../../core/limits.ts'

/**
 * Quantiles within a relative error: a DDSketch (Masson, Rim, Lee, VLDB 2019), collapsed evenly as UDDSketch does (Epicoco et al., 2020)
 * when it has too many bins. Bins and level follow from the set of values alone, never from the order or the way of merging.
 * Ours, since what npm has is made of class instances that only protobuf carries between Workers, and collapses without telling.
 */
export interface Sketch {
  /** Times that neighbouring bins were joined, which about doubles the error; 0 for anything within 17 decades. */
  level: number
  /** Values added. */
  count: number
  bins: number
  /** Open addressing: the code of each bin, 0 in a free slot, and its count. */
  codes: Int32Array
  counts: Float64Array
}

/** Relative error of a quantile while nothing was collapsed. */
export const sketchError = 0.01

const gamma = (1 + sketchError) / (1 - sketchError)
const logGamma = Math.log(gamma)
/** Nearer to 0 than this a value counts as 0: beyond, floating point has no 1 % any more. */
const leastMagnitude = 1e-300
/** Bin numbers of doubles lie within 36,000 of 0; a positive value has its bin's number plus this as code, a negative one the negated code. */
const bias = 1 << 20
const zeroCode = 1
const slotsMin = 8

/** An empty sketch, of 96 bytes. */
export function createSketch(): Sketch {
  return { level: 0, count: 0, bins: 0, codes: new Int32Array(slotsMin), counts: new Float64Array(slotsMin) }
}

/** Code of the bin of a finite number at level 0; codes sort as their values do. Never 0. */
export function sketchCode(value: number): number {
  if (value >= leastMagnitude) return Math.ceil(Math.log(value) / logGamma) + bias
  return value <= -leastMagnitude ? -(Math.ceil(Math.log(-value) / logGamma) + bias) : zeroCode
}

/** Adds values by their code at level 0. */
export function addToSketch(sketch: Sketch, code: number, count = 1): void {
  sketch.count += count
  addToBin(sketch, sketch.level === 0 ? code : collapsed(code, sketch.level), count)
  if (sketch.bins > sketchBinsMax) collapse(sketch, sketch.level + 1)
}

/** Adds all values of `from`, which stays as it is; the level of `into` becomes at least its. */
export function mergeSketch(into: Sketch, from: Sketch): void {
  if (into.level < from.level) collapse(into, from.level)
  const levels = into.level - from.level
  for (let i = 0; i < from.codes.length; i++) {
    const code = from.codes[i]!
    if (code !== 0) addToBin(into, levels === 0 ? code : collapsed(code, levels), from.counts[i]!)
  }
  into.count += from.count
  while (into.bins > sketchBinsMax) collapse(into, into.level + 1)
}

/** The value at a share (0 to 1) of all values in order: the one of rank floor(share * (count - 1)). Not of an empty sketch. */
export function quantileOf(sketch: Sketch, share: number): number {
  const { codes, counts, count, level } = sketch
  const order = Array.from(codes.keys()).filter((i) => codes[i] !== 0)
  order.sort((a, b) => codes[a]! - codes[b]!)
  const rank = Math.floor(share * (count - 1))
  let passed = 0
  const found = order.find((i) => (passed += counts[i]!) > rank) ?? order.at(-1)!
  return valueOf(codes[found]!, level)
}

/** Relative error of the quantiles of this sketch. */
export function errorOfSketch({ level }: Sketch): number {
  const base = gamma ** (2 ** level)
  return level === 0 ? sketchError : (base - 1) / (base + 1)
}

/** What its bins take in memory, in bytes. */
export function bytesOfSketch({ codes }: Sketch): number {
  return codes.length * 12
}

/** The value that is within the error of all values of a bin. */
function valueOf(code: number, level: number): number {
  if (code === zeroCode) return 0
  const logBase = logGamma * 2 ** level
  const magnitude = Math.exp((Math.abs(code) - bias) * logBase - Math.log((1 + Math.exp(logBase)) / 2))
  return Math.sign(code) * Math.min(magnitude, Number.MAX_VALUE)
}

function collapsed(code: number, levels: number): number {
  if (code === zeroCode) return code
  const bin = Math.ceil((Math.abs(code) - bias) / 2 ** levels)
  return Math.sign(code) * (bin + bias)
}

function collapse(sketch: Sketch, level: number): void {
  const { codes, counts } = sketch
  const levels = level - sketch.level
  sketch.level = level
  replaceSlots(sketch, slotsMin)
  for (let i = 0; i < codes.length; i++) if (codes[i] !== 0) addToBin(sketch, collapsed(codes[i]!, levels), counts[i]!)
}

function addToBin(sketch: Sketch, code: number, count: number): void {
  const { codes, counts } = sketch
  const mask = codes.length - 1
  // Neighbouring codes in neighbouring slots: the values of one group are near each other.
  let slot = code & mask
  while (codes[slot] !== 0) {
    if (codes[slot] === code) {
      counts[slot]! += count
      return
    }
    slot = (slot + 1) & mask
  }
  codes[slot] = code
  counts[slot] = count
  if (++sketch.bins * 2 > codes.length) grow(sketch)
}

function grow(sketch: Sketch): void {
  const { codes, counts } = sketch
  replaceSlots(sketch, codes.length * 2)
  for (let i = 0; i < codes.length; i++) if (codes[i] !== 0) addToBin(sketch, codes[i]!, counts[i]!)
}

function replaceSlots(sketch: Sketch, slots: number): void {
  sketch.bins = 0
  sketch.codes = new Int32Array(slots)
  sketch.counts = new Float64Array(slots)
}
