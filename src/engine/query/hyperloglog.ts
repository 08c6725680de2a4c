import { distinctExactMax } from '../../core/limits.ts'

/**
 * How many distinct values there are: exact while they are few, then a HyperLogLog (Flajolet et al., 2007) of 2^14 registers with
 * Ertl's estimator (2017, section 4), which needs no table of biases. Depends on the set of values alone. Ours, since the
 * packages on npm are unmaintained or carry 32-bit hashes, which collide from some ten thousand values on.
 */
export interface Distinct {
  /** Values in `slots`. */
  count: number
  /** Open addressing over hashes, 0 in a free slot; null once there are registers. */
  slots: Float64Array | null
  registers: Uint8Array | null
}

const indexBits = 14
const registerCount = 2 ** indexBits
/** A hash has 53 bits; those that are not the index count leading zeros. */
const restBits = 53 - indexBits
const slotsMin = 8

/** Standard error of an estimate, as a share of it: 1.04 / sqrt(registers). */
export const distinctError = 1.04 / Math.sqrt(registerCount)

/** No values yet. */
export function createDistinct(): Distinct {
  return { count: 0, slots: new Float64Array(slotsMin), registers: null }
}

/** Adds a value by its hash, an integer of 1 to 2^53 - 1 (see `hashText`). */
export function addToDistinct(distinct: Distinct, hash: number): void {
  if (distinct.registers !== null) return addToRegisters(distinct.registers, hash)
  addToSlots(distinct, hash)
  if (distinct.count > distinctExactMax) toRegisters(distinct)
}

/** Adds all values of `from`, which stays as it is. */
export function mergeDistinct(into: Distinct, from: Distinct): void {
  if (from.slots !== null) for (const hash of from.slots) if (hash !== 0) addToDistinct(into, hash)
  if (from.registers === null) return
  if (into.registers === null) toRegisters(into)
  const registers = into.registers!
  for (let i = 0; i < registerCount; i++) if (from.registers[i]! > registers[i]!) registers[i] = from.registers[i]!
}

/** True while the count is no estimate. */
export function isExactDistinct({ registers }: Distinct): boolean {
  return registers === null
}

/** Number of distinct values: exact, or a whole number near it. */
export function countOfDistinct({ count, registers }: Distinct): number {
  if (registers === null) return count
  const ranks = new Uint32Array(restBits + 2)
  for (const rank of registers) ranks[rank]!++
  let z = registerCount * tau(1 - ranks[restBits + 1]! / registerCount)
  for (let rank = restBits; rank >= 1; rank--) z = (z + ranks[rank]!) / 2
  z += registerCount * sigma(ranks[0]! / registerCount)
  return Math.round(registerCount ** 2 / (2 * Math.LN2 * z))
}

/** What it takes in memory, in bytes. */
export function bytesOfDistinct({ slots, registers }: Distinct): number {
  return slots?.byteLength ?? registers!.byteLength
}

function addToSlots(distinct: Distinct, hash: number): void {
  const slots = distinct.slots!
  const mask = slots.length - 1
  // The low bits: & takes them of any integer below 2^53.
  let slot = hash & mask
  while (slots[slot] !== 0) {
    if (slots[slot] === hash) return
    slot = (slot + 1) & mask
  }
  slots[slot] = hash
  if (++distinct.count * 2 <= slots.length) return
  distinct.count = 0
  distinct.slots = new Float64Array(slots.length * 2)
  for (const each of slots) if (each !== 0) addToSlots(distinct, each)
}

function toRegisters(distinct: Distinct): void {
  const registers = new Uint8Array(registerCount)
  for (const hash of distinct.slots!) if (hash !== 0) addToRegisters(registers, hash)
  distinct.slots = null
  distinct.registers = registers
}

function addToRegisters(registers: Uint8Array, hash: number): void {
  const high = Math.floor(hash / 2 ** 32)
  const index = high >>> (21 - indexBits)
  // What is left of the high word, then the low one: 7 and 32 bits.
  const rest = high & (2 ** (21 - indexBits) - 1)
  const rank = rest !== 0 ? Math.clz32(rest) - (32 - (21 - indexBits)) + 1 : 21 - indexBits + Math.clz32(hash >>> 0) + 1
  if (rank > registers[index]!) registers[index] = rank
}

/** x + the sum over k >= 1 of x^(2^k) * 2^(k - 1); infinite at 1, where no register is set. */
function sigma(x: number): number {
  if (x === 1) return Infinity
  let sum = x
  for (let power = x, weight = 1, before = -1; sum !== before; weight *= 2) {
    before = sum
    power *= power
    sum += power * weight
  }
  return sum
}

/** (1 - x - the sum over k >= 1 of (1 - x^(2^-k))^2 * 2^-k) / 3. */
function tau(x: number): number {
  if (x === 0 || x === 1) return 0
  let sum = 1 - x
  for (let root = x, weight = 1, before = -1; sum !== before;) {
    before = sum
    root = Math.sqrt(root)
    weight /= 2
    sum -= (1 - root) ** 2 * weight
  }
  return sum / 3
}
