import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createUuidv7, decodeLogId, encodeLogId, uuidv7, uuidv7Bound } from '../../../src/core/ids.ts'
import { seqMax, shardNumberMax } from '../../../src/core/limits.ts'

const shards = fc.integer({ min: 0, max: shardNumberMax })
const seqs = fc.oneof(fc.maxSafeNat(), fc.integer({ min: 0, max: 100 })).map((n) => n % (seqMax + 1))

describe('log ids', () => {
  it('are 13 lower-case characters that give back shard and sequence number', () => {
    fc.assert(
      fc.property(shards, seqs, (shard, seq) => {
        const id = encodeLogId(shard, seq)
        expect(id).toMatch(/^[0-9a-hjkmnp-tv-z]{13}$/)
        expect(decodeLogId(id)).toEqual({ shard, seq })
      }),
    )
  })

  it('hold the greatest shard and sequence number', () => {
    expect(encodeLogId(shardNumberMax, seqMax)).toBe('fzzzzzzzzzzzz')
    expect(decodeLogId('fzzzzzzzzzzzz')).toEqual({ shard: shardNumberMax, seq: seqMax })
    expect(encodeLogId(0, 0)).toBe('0000000000000')
  })

  it('sort as text like (shard, sequence number)', () => {
    fc.assert(
      fc.property(shards, seqs, shards, seqs, (shardA, seqA, shardB, seqB) => {
        const numeric = shardA - shardB || seqA - seqB
        const [a, b] = [encodeLogId(shardA, seqA), encodeLogId(shardB, seqB)]
        expect(a < b ? -1 : a > b ? 1 : 0).toBe(Math.sign(numeric))
      }),
    )
  })

  it('refuse what no row can have', () => {
    for (const [shard, seq] of [
      [-1, 0],
      [shardNumberMax + 1, 0],
      [0, -1],
      [0, seqMax + 1],
      [0.5, 0],
      [0, Number.NaN],
    ] as const) {
      expect(() => encodeLogId(shard, seq)).toThrow(RangeError)
    }
  })

  it('decode nothing but what was encoded', () => {
    for (const text of [
      '',
      '0',
      '000000000000',
      '00000000000000',
      'g000000000000',
      '000000000000I',
      '000000000000i',
      '000000000000O',
      '000000000000u',
      '0000000000000\n',
      '../0000000000',
    ]) {
      expect(decodeLogId(text)).toBeUndefined()
    }
    fc.assert(
      fc.property(
        fc.string({ minLength: 13, maxLength: 13, unit: fc.constantFrom('0', '7', 'a', 'f', 'g', 'i', 'l', 'o', 'u', 'z', 'A', '-') }),
        (text) => {
          const decoded = decodeLogId(text)
          expect(decoded === undefined || encodeLogId(decoded.shard, decoded.seq) === text).toBe(true)
        },
      ),
    )
  })
})

describe('uuidv7', () => {
  it('has the version, the variant and the time in front', () => {
    const id = uuidv7(0x0123456789ab)
    expect(id).toMatch(/^01234567-89ab-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  })

  it('uses all random bits', () => {
    expect(uuidv7(0, new Uint8Array(10).fill(0xff))).toBe('00000000-0000-7fff-bfff-ffffffffffff')
    expect(uuidv7(0, new Uint8Array(10))).toBe('00000000-0000-7000-8000-000000000000')
  })

  it('sorts by time and does not repeat', () => {
    const ids = Array.from({ length: 1000 }, (_, i) => uuidv7(1_700_000_000_000 + i))
    expect(ids.toSorted()).toEqual(ids)
    expect(new Set(Array.from({ length: 1000 }, () => uuidv7(1))).size).toBe(1000)
  })
})

describe('a source of UUIDs', () => {
  it('rises from one to the next, whatever the clock does', () => {
    const clock = fc.array(fc.constantFrom(0, 0, 0, 0, 1, 5, -3), { minLength: 1, maxLength: 200 })
    fc.assert(
      fc.property(clock, (steps) => {
        let nowMs = Date.UTC(2026, 10, 22)
        const next = createUuidv7(() => nowMs)
        const ids = steps.map((step) => {
          nowMs += step
          return next()
        })
        expect(ids).toEqual([...new Set(ids)].toSorted())
        for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
      }),
    )
  })

  it('has the millisecond of the clock, and goes ahead of it only for more than 2,048 ids in one', () => {
    const nowMs = Date.UTC(2026, 10, 22)
    const next = createUuidv7(() => nowMs)
    const early = Array.from({ length: 2048 }, next)
    expect(early.every((id) => id >= uuidv7Bound(nowMs) && id < uuidv7Bound(nowMs + 1))).toBe(true)
    const late = Array.from({ length: 5000 }, next)
    expect([...early, ...late]).toEqual([...early, ...late].toSorted())
    expect((late.at(-1) ?? '') > uuidv7Bound(nowMs + 1)).toBe(true)
  })
})

describe('the bound of a millisecond', () => {
  it('is below all UUIDs of it and of later ones, and above all earlier ones', () => {
    const times = fc.integer({ min: 1, max: 2 ** 48 - 2 })
    fc.assert(
      fc.property(times, (ms) => {
        const zero = new Uint8Array(10)
        const full = new Uint8Array(10).fill(255)
        expect(uuidv7(ms, zero) > uuidv7Bound(ms)).toBe(true)
        expect(uuidv7(ms - 1, full) < uuidv7Bound(ms)).toBe(true)
      }),
    )
  })
})
