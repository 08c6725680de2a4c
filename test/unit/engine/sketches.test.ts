import fc from 'fast-check'
import { Buffer } from 'node:buffer'
import { describe, expect, test } from 'vitest'
import { distinctExactMax, sketchBinsMax } from '../../../src/core/limits.ts'
import {
  addToSketch,
  createSketch,
  errorOfSketch,
  mergeSketch,
  quantileOf,
  sketchCode,
  sketchError,
} from '../../../src/engine/query/ddsketch.ts'
import type { Sketch } from '../../../src/engine/query/ddsketch.ts'
import { hashBytes, hashText } from '../../../src/engine/query/hash.ts'
import {
  addToDistinct,
  countOfDistinct,
  createDistinct,
  distinctError,
  isExactDistinct,
  mergeDistinct,
} from '../../../src/engine/query/hyperloglog.ts'
import { runs } from '../../support/effort.ts'
import { anyNumber } from '../../support/rows.ts'
import { seededRandom } from '../../support/seeded_random.ts'

const shares = [0.0001, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999]

function sketchOf(values: readonly number[]): Sketch {
  const sketch = createSketch()
  for (const value of values) addToSketch(sketch, sketchCode(value))
  return sketch
}

/** Greatest relative error of the quantiles; values nearer to 0 than 1e-300 count as 0. */
function errorOver(sketch: Sketch, values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort()
  const errors = shares.map((share) => {
    const exact = sorted[Math.floor(share * (sorted.length - 1))]!
    return Math.abs(exact) < 1e-300 ? Math.abs(quantileOf(sketch, share)) : Math.abs(quantileOf(sketch, share) / exact - 1)
  })
  return Math.max(...errors)
}

describe('a quantile sketch', () => {
  const random = seededRandom(11)
  const uniform = () => (random(2 ** 31) + 1) / 2 ** 31
  const many = 30_000
  const distributions: Record<string, () => number> = {
    'uniform numbers': uniform,
    'latencies with a long tail': () => Math.exp(4 * Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform())),
    'a heavy tail (Pareto with a = 0.3)': () => uniform() ** (-1 / 0.3),
    'two far peaks': () => (random(2) === 0 ? 0.001 + uniform() / 1e6 : 1e9 + random(1000)),
    'negative and positive numbers': () => uniform() * 2000 - 1000,
    'whole numbers with many zeros': () => (random(3) === 0 ? 0 : random(50)),
    'borders of bins': () => (1.01 / 0.99) ** (random(800) - 400),
    'one value': () => 42,
  }

  test.each(Object.keys(distributions))('is within 1 %% of the exact quantiles of %s', (name) => {
    const values = Array.from({ length: many }, distributions[name]!)
    const sketch = sketchOf(values)
    expect(sketch.level).toBe(0)
    expect(errorOver(sketch, values)).toBeLessThanOrEqual(sketchError + 1e-9)
  })

  test('joins bins over the whole range of doubles, and tells the error that this makes', () => {
    const values = Array.from({ length: many }, () => 10 ** (random(580) - 290) * (random(2) === 0 ? 1 : -1) * (1 + uniform()))
    const sketch = sketchOf(values)
    expect(sketch.bins).toBeLessThanOrEqual(sketchBinsMax)
    expect(sketch.level).toBeGreaterThan(0)
    expect(errorOfSketch(sketch)).toBeGreaterThan(sketchError)
    expect(errorOver(sketch, values)).toBeLessThanOrEqual(errorOfSketch(sketch) + 1e-9)
  })

  test('is the same however its values were split and merged', () => {
    const anyValues = fc.array(
      fc.oneof(
        anyNumber,
        fc.integer({ min: -700, max: 700 }).map((power) => 1.9 ** power),
      ),
      { minLength: 1, maxLength: 60 },
    )
    fc.assert(
      fc.property(anyValues, fc.nat({ max: 2 }), fc.boolean(), (values, split, isSwapped) => {
        const whole = sketchOf(values)
        const parts = [sketchOf(values.filter((_, i) => i % 3 <= split)), sketchOf(values.filter((_, i) => i % 3 > split))]
        const [into, from] = isSwapped ? parts.toReversed() : parts
        mergeSketch(into!, from!)
        const bins = (sketch: Sketch) =>
          new Map(Array.from(sketch.codes, (code, i) => [code, sketch.counts[i]!] as const).filter(([code]) => code !== 0))
        expect(bins(into!)).toEqual(bins(whole))
        expect([into!.level, into!.count, into!.bins]).toEqual([whole.level, whole.count, whole.bins])
      }),
      { numRuns: runs(200) },
    )
    const wide = Array.from({ length: 6000 }, (_, i) => 1.05 ** (((i * 7919) % 6000) - 3000) * (i % 2 === 0 ? 1 : -1))
    const merged = sketchOf(wide.slice(0, 10))
    mergeSketch(merged, sketchOf(wide.slice(2000)))
    mergeSketch(merged, sketchOf(wide.slice(10, 2000)))
    expect(shares.map((share) => quantileOf(merged, share))).toEqual(shares.map((share) => quantileOf(sketchOf(wide), share)))
    expect(merged.level).toBe(sketchOf(wide).level)
  })

  test('codes sort as values do', () => {
    const sorted = [-1e308, -2, -1, -1e-5, -1e-301, 0, 1e-301, 1e-5, 0.5, 1, 2, 1e308]
    const codes = sorted.map(sketchCode)
    expect(codes.toSorted((a, b) => a - b)).toEqual(codes)
    expect(new Set(codes).size).toBe(sorted.length - 2)
  })
})

describe('a distinct count', () => {
  const hashesOf: Record<string, (i: number) => string> = {
    'counting numbers': (i) => String(i),
    'addresses that differ at the end': (i) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`,
    'long texts that differ at the start': (i) => `${i} ${'x'.repeat(60)}`,
    'hexadecimal ids': (i) => Math.imul(i, 0x9e3779b1).toString(16).padStart(32, '0'),
    'texts of four characters': (i) =>
      String.fromCharCode(33 + (i % 90), 33 + (Math.floor(i / 90) % 90), 33 + (Math.floor(i / 8100) % 90), 33),
  }

  test.each(Object.keys(hashesOf))('of %s is exact while they are few, then within four standard errors', (name) => {
    const distinct = createDistinct()
    for (let i = 0, next = 1; i < 150_000; i++) {
      const hash = hashText(hashesOf[name]!(i))
      addToDistinct(distinct, hash)
      if (i % 3 === 0) addToDistinct(distinct, hash)
      if (i + 1 !== next) continue
      const found = countOfDistinct(distinct)
      expect(isExactDistinct(distinct)).toBe(next <= distinctExactMax)
      expect(Math.abs(found / next - 1), `of ${next}`).toBeLessThanOrEqual(isExactDistinct(distinct) ? 0 : 4 * distinctError)
      next = Math.ceil(next * 1.3)
    }
    expect(isExactDistinct(distinct)).toBe(false)
  })

  test('has the spread that it states: most of many sets lie within one standard error', () => {
    const sets = 60
    const errors = Array.from({ length: sets }, (_, set) => {
      const distinct = createDistinct()
      for (let i = 0; i < 20_000; i++) addToDistinct(distinct, hashText(`${set}/${i}`))
      return countOfDistinct(distinct) / 20_000 - 1
    })
    const deviation = Math.sqrt(errors.reduce((sum, error) => sum + error ** 2, 0) / sets)
    expect(deviation).toBeGreaterThan(distinctError / 2)
    expect(deviation).toBeLessThan(distinctError * 1.35)
  })

  test('is the same however its values were split and merged', () => {
    const anySize = fc.constantFrom(0, 5, distinctExactMax - 1, distinctExactMax, distinctExactMax + 1, 3000)
    fc.assert(
      fc.property(anySize, anySize, fc.nat({ max: 2000 }), (left, right, overlap) => {
        const range = (from: number, count: number) => {
          const distinct = createDistinct()
          for (let i = from; i < from + count; i++) addToDistinct(distinct, hashText(`v${i}`))
          return distinct
        }
        const start = Math.max(0, left - overlap)
        const [a, b, whole] = [range(0, left), range(start, right), range(0, Math.max(left, start + right))]
        mergeDistinct(a, b)
        expect(isExactDistinct(a)).toBe(isExactDistinct(whole))
        expect(countOfDistinct(a)).toBe(countOfDistinct(whole))
        expect(a.registers).toEqual(whole.registers)
      }),
      { numRuns: runs(40) },
    )
  })
})

describe('the hash of values', () => {
  test('of a text is that of its bytes, wherever they stand', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 2000 }), fc.nat({ max: 9 }), (text, shift) => {
        const bytes = Buffer.concat([Buffer.alloc(shift, 7), Buffer.from(text), Buffer.from('rest')])
        expect(hashBytes(bytes, shift, bytes.length - 4)).toBe(hashText(text))
      }),
      { numRuns: runs(200) },
    )
  })

  test('differs for texts that differ in one bit, in length or in order', () => {
    const texts = new Set<string>()
    for (let length = 0; length < 40; length++) texts.add('\0'.repeat(length)).add(`${'a'.repeat(length)}b${'a'.repeat(39 - length)}`)
    for (let bit = 0; bit < 7 * 16; bit++) {
      const bytes = Buffer.alloc(16, 'U')
      bytes[bit >> 3]! ^= 1 << ((bit & 7) % 7)
      texts.add(bytes.toString('latin1'))
    }
    const hashes = [...texts].map(hashText)
    expect(new Set(hashes).size).toBe(texts.size)
    expect(hashes.every((hash) => Number.isSafeInteger(hash) && hash > 0)).toBe(true)
  })
})
