import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { timestampMsMax } from '../../../src/core/limits.ts'
import { parseQuery } from '../../../src/engine/query/parser.ts'
import { searchBlocks } from '../../../src/engine/query/search.ts'
import type { Order, Position } from '../../../src/engine/query/types.ts'
import { decodeCursor, encodeCursor, listingHash } from '../../../src/search/cursor.ts'
import { row } from '../../support/rows.ts'
import { scopeOf, testShard } from '../../support/shards.ts'

const listing = { organizationId: 'org', q: 'error', from: 'now-15m', to: '', order: 'newest' } as const
const hash = listingHash(listing)
const state = {
  after: { ms: 1_795_331_057_193, ns: 5, shard: 2, seq: 77 },
  range: { fromMs: 0, toMs: 1e13 },
  snapshot: new Map([
    [2, 90],
    [1, 12],
  ]),
}

describe('a cursor', () => {
  test('gives back the page state that it was made of', () => {
    const position = fc.record({ ms: fc.nat(1e12), ns: fc.nat(999_999), shard: fc.nat(65_535), seq: fc.nat(2 ** 31) })
    const snapshot = fc.array(fc.tuple(fc.nat(65_535), fc.nat(2 ** 31)), { maxLength: 20 }).map((pairs) => new Map(pairs))
    fc.assert(
      fc.property(position, snapshot, fc.nat(1e12), fc.nat(1e12), (after, seen, fromMs, toMs) => {
        const given = { after, snapshot: seen, range: { fromMs, toMs } }
        expect(decodeCursor(encodeCursor(given, hash), hash)).toEqual(given)
      }),
    )
  })

  test.each<Order>(['newest', 'oldest'])('can hold wherever a search ended, at both ends of time: %s', (order) => {
    const times = [0, 0, 1, 2, timestampMsMax - 2, timestampMsMax - 1, timestampMsMax - 1]
    const shard = testShard(
      0,
      times.map((timestampMs) => [row({ timestampMs })]),
    )
    const found: number[] = []
    let after: Position | undefined
    do {
      const options = { order, limit: 10, after }
      const { rows, frontier } = searchBlocks(shard.sources, parseQuery(''), scopeOf(shard, { budgetBytes: 0 }), options).result
      found.push(...rows.map(({ timestampMs }) => timestampMs))
      after = frontier === null ? undefined : decodeCursor(encodeCursor({ ...state, after: frontier }, hash), hash).after
    } while (after !== undefined)
    expect(found).toEqual(order === 'oldest' ? times : times.toReversed())
  })

  test('is refused by any other listing', () => {
    const cursor = encodeCursor(state, hash)
    for (const other of [{ organizationId: 'other' }, { q: 'Error' }, { from: 'now-16m' }, { to: 'now' }, { order: 'oldest' as const }]) {
      expect(() => decodeCursor(cursor, listingHash({ ...listing, ...other }))).toThrow(/belongs to another query/)
    }
  })

  test('is refused when one character of it changed or is missing', () => {
    const cursor = encodeCursor(state, hash)
    for (let i = 0; i < cursor.length; i++) {
      const broken = [cursor.slice(0, i) + cursor.slice(i + 1), `${cursor.slice(0, i)}!${cursor.slice(i + 1)}`]
      for (const text of broken) expect(() => decodeCursor(text, hash)).toThrow(expect.objectContaining({ code: 'invalid_cursor' }))
    }
  })

  test('is refused whatever else it may be', () => {
    const forged = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const texts = [
      '',
      'null',
      '\u0000',
      `${encodeCursor(state, hash)}=`,
      ` ${encodeCursor(state, hash)}`,
      forged(null),
      forged([2, hash, [1, 2, 3, 4], [0, 1], []]),
      forged([1, hash, [1, 2, 3, -4], [0, 1], []]),
      forged([1, hash, [1, 2, 3, 1.5], [0, 1], []]),
      forged([
        1,
        hash,
        [1, 2, 3, 4],
        [0, 1],
        [
          [1, 1],
          [1, 2],
        ],
      ]),
      forged([
        1,
        hash,
        [1, 2, 3, 4],
        [0, 1],
        [
          [2, 1],
          [1, 2],
        ],
      ]),
      forged([1, hash, [1, 2, 3, 4], [0, 1], [], 'more']),
    ]
    for (const text of texts) expect(() => decodeCursor(text, hash)).toThrow(expect.objectContaining({ code: 'invalid_cursor' }))
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(() => decodeCursor(text, hash)).toThrow(expect.objectContaining({ code: 'invalid_cursor' }))
      }),
    )
  })
})
