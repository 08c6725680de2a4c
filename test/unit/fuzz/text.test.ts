import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeLogId, encodeLogId } from '../../../src/core/ids.ts'
import { ProblemError } from '../../../src/core/problems.ts'
import { parseTimestamp } from '../../../src/core/time.ts'
import { evaluate } from '../../../src/engine/query/evaluate.ts'
import { parseQuery } from '../../../src/engine/query/parser.ts'
import { QueryError, QueryTooSlowError } from '../../../src/engine/query/query_error.ts'
import { parseStats } from '../../../src/engine/query/stats_parser.ts'
import { decodeTailCursor, encodeTailCursor } from '../../../src/objects/live-tail/cursor.ts'
import { decodeCursor, encodeCursor } from '../../../src/search/cursor.ts'
import { parseRange } from '../../../src/search/time_range.ts'
import { everything } from '../../sim/content.ts'
import { anyQuery } from '../../support/queries.ts'
import { accessRows, encodeRows, openEncoded } from '../../support/rows.ts'
import { demand, fuzz, fuzzTimeoutMs, refusing, textOf } from './fuzz.ts'

const rows = accessRows(40)
const block = openEncoded(encodeRows(rows)[0]!)
const view = { range: everything, maxSeq: 1e9, keepFromMs: 0, erasures: [] }

const pieces =
  `level: source: status: attributes. timestamp: message: a GET b.c * ? \\ : ( ) (( AND OR NOT - ! >= < [1 TO { } ] ~" ~"a.*" ~"(a+)+$"
  = in( , " "a 2026-11-22T07:00:00Z now-15m 502 1e3 ${'9'.repeat(40)} warn`.split(/\s+/)

/** Anything that parses is also run over a block: it may be too slow, and nothing else. */
function tryQuery(text: string): void {
  refusing(QueryError, () => {
    const filter = parseQuery(text)
    refusing(QueryTooSlowError, () => void evaluate(filter, block, view))
  })
}

/** The text with some characters changed, cut or repeated, or other text in its alphabet. */
function nearly(text: string): fc.Arbitrary<string> {
  const character = fc.constantFrom(...new Set(text), 'A', '_', '-', '=', ' ', '0', '\u00e9')
  const change = fc.tuple(fc.nat(), fc.nat(2), fc.array(character, { maxLength: 3 }))
  return fc.oneof(
    fc.array(change, { maxLength: 3 }).map((changes) => {
      return changes.reduce((now, [at, length, put]) => {
        const start = at % (now.length + 1)
        return now.slice(0, start) + put.join('') + now.slice(start + length)
      }, text)
    }),
    fc.array(character, { maxLength: 80 }).map((characters) => characters.join('')),
  )
}

describe('text of clients', () => {
  it('is a query or an error of the query language', { timeout: fuzzTimeoutMs }, () => {
    expect(fuzz(textOf(...pieces, ' ', ' AND ', '"a b"'), tryQuery)).toBeGreaterThan(0)
  })

  it('is a query or an error of the query language also when it is nearly right', { timeout: fuzzTimeoutMs }, () => {
    const changes = fc.tuple(anyQuery(rows), fc.nat(), fc.nat(4), fc.constantFrom('', '"', ')', '(', '\\', ':', '*', '~', '\ud800'))
    const tried = fuzz(changes, ([text, at, length, piece]) => {
      const start = at % (text.length + 1)
      tryQuery(text.slice(0, start) + piece + text.slice(start + length))
    })
    expect(tried).toBeGreaterThan(0)
  })

  it('is a list of statistics or an error of the query language, and reads back as it is written', { timeout: fuzzTimeoutMs }, () => {
    const text = textOf(...`count count_distinct sum avg p99 p99.9 p0 p100 ( ) , duration " "a timestamp () (a)`.split(' '), ' ')
    const tried = fuzz(text, (given) => {
      refusing(QueryError, () => {
        const functions = parseStats(given)
        expect(parseStats(functions.map((each) => each.text).join(', '))).toEqual(functions)
      })
    })
    expect(tried).toBeGreaterThan(0)
  })

  it('is a cursor of a listing only when it is one, letter by letter', { timeout: fuzzTimeoutMs }, () => {
    const state = { after: { ms: 5, ns: 0, shard: 1, seq: 9 }, range: { fromMs: 0, toMs: 10 }, snapshot: new Map([[1, 9]]) }
    const hash = 'a'.repeat(16)
    const tried = fuzz(nearly(encodeCursor(state, hash)), (text) => {
      refusing(ProblemError, () => demand(encodeCursor(decodeCursor(text, hash), hash) === text, 'another spelling passes'))
    })
    expect(tried).toBeGreaterThan(0)
  })

  it('is a cursor of a tail only when it is one, letter by letter', { timeout: fuzzTimeoutMs }, () => {
    const cursor = encodeTailCursor('org', new Map([1, 7].map((shard) => [shard, 2 ** 47 + shard])))
    const tried = fuzz(nearly(cursor), (text) => {
      const positions = decodeTailCursor('org', text)
      demand(positions === undefined || encodeTailCursor('org', positions) === text, 'another spelling passes')
    })
    expect(tried).toBeGreaterThan(0)
  })

  it('is a log id, a time or a range, or is refused', { timeout: fuzzTimeoutMs }, () => {
    const text = fc.oneof(
      nearly(encodeLogId(3, 77)),
      textOf('2026-11-22', 'T', '07:00:00', '.123456789', 'Z', '+05:00', 'now', '-15m', '1795331057', '9'),
    )
    const tried = fuzz(text, (given) => {
      const place = decodeLogId(given)
      demand(place === undefined || encodeLogId(place.shard, place.seq) === given, 'another spelling of an id passes')
      const time = parseTimestamp(given)
      demand(time === undefined || (Number.isSafeInteger(time.ms) && Number.isSafeInteger(time.ns)), 'a time is not in integers')
      refusing(ProblemError, () => {
        const { fromMs, toMs } = parseRange(given, undefined, 1_795_331_057_000)
        demand(fromMs <= toMs, 'a range ends before it begins')
      })
    })
    expect(tried).toBeGreaterThan(0)
  })
})
