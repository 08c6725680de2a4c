import { BlockError } from '../block/block_error.ts'
import type { ByteSink, ByteSource } from './bytes.ts'
import { readByte, reserve, writeByte } from './bytes.ts'
import { extentOf, stepExtentOf } from './extent.ts'
import { readNumber, writeValue } from './values.ts'

/**
 * How a list of numbers is written. Integers u are written as `width` byte planes: first the lowest byte of every
 * number, then the next. A number is (base + u) / 10^scale, or for `delta` the one before it (base for the first) + step + u.
 */
export type NumberCoding =
  | { kind: 'float64' }
  | { kind: 'offset'; scale: number; width: number; base: number }
  | { kind: 'delta'; scale: number; width: number; base: number; step: number }

/** Beyond 6 planes a float64 is as small, and differences stay exact below 2^48. */
const widthMax = 6
const scaleMax = 6
const integerMax = 2 ** 51

const codingCodes = { float64: 0, offset: 1, delta: 2 } as const

export function bytesOfNumbers(coding: NumberCoding, count: number): number {
  return count * (coding.kind === 'float64' ? 8 : coding.width)
}

/** Appends the numbers to `sink` in the coding that takes least; they must be finite. */
export function writeNumbers(sink: ByteSink, values: Float64Array): NumberCoding {
  const scale = findScale(values)
  if (scale === undefined) return writeFloats(sink, values)
  const integers = scale === 0 ? values : values.map((value) => Math.round(value * 10 ** scale))
  const coding = chooseCoding(integers, scale)
  if (coding.width > widthMax) return writeFloats(sink, values)
  const at = reserve(sink, coding.width * values.length)
  writePlanes(sink.bytes, at, integers, coding)
  return coding
}

/** Reads `count` numbers from `bytes`, which must be exactly as long as `bytesOfNumbers` says. */
export function readNumbers(bytes: Uint8Array, coding: NumberCoding, count: number): Float64Array {
  const values = new Float64Array(count)
  if (coding.kind === 'float64') {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    for (let i = 0; i < count; i++) {
      const value = view.getFloat64(i * 8, true)
      if (!Number.isFinite(value)) throw new BlockError('a number is not finite')
      values[i] = value
    }
    return values
  }
  let weight = 1
  for (let plane = 0; plane < coding.width; plane++) {
    const at = plane * count
    for (let i = 0; i < count; i++) values[i]! += bytes[at + i]! * weight
    weight *= 256
  }
  const { base } = coding
  if (coding.kind === 'offset') for (let i = 0; i < count; i++) values[i]! += base
  else {
    let value = base
    for (let i = 0; i < count; i++) {
      value += values[i]! + coding.step
      values[i] = value
    }
  }
  if (coding.scale > 0) {
    const divisor = 10 ** coding.scale
    for (let i = 0; i < count; i++) values[i]! /= divisor
  }
  return values
}

export function writeCoding(sink: ByteSink, coding: NumberCoding): void {
  writeByte(sink, codingCodes[coding.kind])
  if (coding.kind === 'float64') return
  writeByte(sink, (coding.scale << 4) | coding.width)
  writeValue(sink, coding.base)
  if (coding.kind === 'delta') writeValue(sink, coding.step)
}

export function readCoding(source: ByteSource): NumberCoding {
  const code = readByte(source)
  if (code === codingCodes.float64) return { kind: 'float64' }
  if (code !== codingCodes.offset && code !== codingCodes.delta) throw new BlockError(`number coding ${code} is not known`)
  const packed = readByte(source)
  const scale = packed >> 4
  const width = packed & 15
  if (scale > scaleMax || width > widthMax) throw new BlockError('a number coding is out of range')
  const base = readInteger(source)
  return code === codingCodes.offset
    ? { kind: 'offset', scale, width, base }
    : { kind: 'delta', scale, width, base, step: readInteger(source) }
}

function readInteger(source: ByteSource): number {
  const value = readNumber(source)
  if (!Number.isSafeInteger(value)) throw new BlockError('the base of a number coding is no integer')
  return value
}

function writeFloats(sink: ByteSink, values: Float64Array): NumberCoding {
  const at = reserve(sink, values.length * 8)
  const view = new DataView(sink.bytes.buffer, sink.bytes.byteOffset + at)
  for (let i = 0; i < values.length; i++) view.setFloat64(i * 8, values[i]!, true)
  return { kind: 'float64' }
}

/**
 * The least number of decimals that all values have; undefined when some value has more than `scaleMax`. Exact: a
 * decimal of up to 15 digits is the float64 nearest to integer / 10^scale, which is what the division gives.
 */
function findScale(values: Float64Array): number | undefined {
  let scale = 0
  let power = 1
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!
    for (;;) {
      const integer = Math.round(value * power)
      if (Math.abs(integer) > integerMax) return undefined
      if (integer / power === value) break
      if (++scale > scaleMax) return undefined
      power = 10 ** scale
    }
  }
  return scale
}

type IntegerCoding = Exclude<NumberCoding, { kind: 'float64' }>

function chooseCoding(values: Float64Array, scale: number): IntegerCoding {
  if (values.length === 0) return { kind: 'offset', scale, width: 0, base: 0 }
  const first = values[0]!
  const [min = 0, max = 0] = extentOf(values)
  const [leastStep = 0, mostStep = 0] = stepExtentOf(values)
  // The first number counts as a step of 0.
  const minStep = Math.min(0, leastStep)
  const maxStep = Math.max(0, mostStep)
  const offset: IntegerCoding = { kind: 'offset', scale, width: widthOf(max - min), base: min }
  const delta: IntegerCoding = { kind: 'delta', scale, width: widthOf(maxStep - minStep), base: first - minStep, step: minStep }
  return delta.width < offset.width || (delta.width === offset.width && bitsOfDelta(values, minStep) < bitsOfOffset(values, min))
    ? delta
    : offset
}

/** Bytes that hold an integer up to `max`. */
function widthOf(max: number): number {
  let width = 0
  for (let bound = 1; bound <= max; bound *= 256) width++
  return width
}

function bitsOfOffset(values: Float64Array, min: number): number {
  let bits = 0
  for (let i = 0; i < values.length; i++) bits += 32 - Math.clz32(values[i]! - min)
  return bits
}

function bitsOfDelta(values: Float64Array, minStep: number): number {
  let bits = 0
  for (let i = 1; i < values.length; i++) bits += 32 - Math.clz32(values[i]! - values[i - 1]! - minStep)
  return bits
}

function writePlanes(target: Uint8Array, start: number, values: Float64Array, coding: IntegerCoding): void {
  const count = values.length
  const { width, base } = coding
  const isDelta = coding.kind === 'delta'
  const step = isDelta ? coding.step : 0
  let before = base
  for (let i = 0; i < count; i++) {
    const value = values[i]!
    const rest = value - before - step
    if (isDelta) before = value
    for (let plane = 0, low = rest >>> 0; plane < width && plane < 4; plane++, low >>>= 8) target[start + plane * count + i] = low
    for (let plane = 4, high = Math.floor(rest / 0x1_0000_0000); plane < width; plane++, high >>>= 8)
      target[start + plane * count + i] = high
  }
}
