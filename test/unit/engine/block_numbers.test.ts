import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createSink, reserve } from '../../../src/engine/encode/bytes.ts'
import type { NumberCoding } from '../../../src/engine/encode/numbers.ts'
import { bytesOfNumbers, readCoding, readNumbers, writeCoding, writeNumbers } from '../../../src/engine/encode/numbers.ts'
import { anyNumber } from '../../support/rows.ts'
import { seededRandom } from '../../support/seeded_random.ts'

/** Writes numbers behind other bytes, reads coding and numbers back, and says how they were written. */
function roundTrip(values: readonly number[]): { read: number[]; coding: NumberCoding } {
  const sink = createSink(4)
  const start = reserve(sink, 3)
  const written = writeNumbers(sink, Float64Array.from(values))
  const directory = createSink()
  writeCoding(directory, written)
  const coding = readCoding({ bytes: directory.bytes.subarray(0, directory.length), offset: 0 })
  expect(coding).toEqual(written)
  expect(sink.length - start - 3).toBe(bytesOfNumbers(coding, values.length))
  const read = readNumbers(sink.bytes.subarray(start + 3, sink.length), coding, values.length)
  return { read: [...read], coding }
}

describe('a list of numbers', () => {
  it.each([
    ['any numbers', anyNumber.map((value) => value + 0)],
    ['small integers', fc.integer({ min: -300, max: 70_000 })],
    ['integers around 2^48', fc.integer({ min: 2 ** 48 - 5, max: 2 ** 48 + 5 })],
    ['all safe integers', fc.maxSafeInteger()],
    ['decimals', fc.tuple(fc.integer(), fc.integer({ min: 0, max: 8 })).map(([integer, places]) => Number(`${integer}e-${places}`) + 0)],
    ['times', fc.integer({ min: 1_795_331_057_193, max: 1_795_331_484_707 })],
  ])('comes back exactly: %s', (_, value) => {
    fc.assert(
      fc.property(fc.array(value), (values) => {
        expect(roundTrip(values).read).toEqual(values)
      }),
    )
  })

  it('takes no byte when all are equal', () => {
    const { coding } = roundTrip([200, 200, 200])
    expect(bytesOfNumbers(coding, 3)).toBe(0)
  })

  it('takes one byte each for rising times', () => {
    const times = Array.from({ length: 1000 }, (_, i) => 1_795_331_057_193 + i * 7 + (i % 3))
    const { coding } = roundTrip(times)
    expect(coding).toMatchObject({ kind: 'delta', width: 1 })
  })

  it('takes two bytes each for seconds with three decimals', () => {
    const random = seededRandom(1)
    const { coding } = roundTrip(Array.from({ length: 1000 }, () => random(5003) / 1000))
    expect(coding).toMatchObject({ kind: 'offset', scale: 3, width: 2 })
  })

  it('falls back to float64 for what is no short decimal', () => {
    expect(roundTrip([Math.PI, 1, 2]).coding).toEqual({ kind: 'float64' })
  })
})
