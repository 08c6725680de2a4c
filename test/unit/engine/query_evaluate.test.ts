import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bitmapForEach } from '../../../src/engine/bitmap.ts'
import type { Block } from '../../../src/engine/block/types.ts'
import type { Filter } from '../../../src/engine/query/ast.ts'
import { evaluate } from '../../../src/engine/query/evaluate.ts'
import { parseQuery } from '../../../src/engine/query/parser.ts'
import type { TimeRange } from '../../../src/engine/query/types.ts'
import type { AttributeValue, EncodableRow, StoredRow } from '../../../src/engine/row.ts'
import type { CorpusName } from '../../support/corpus.ts'
import { corpusRows } from '../../support/corpus.ts'
import { matchesNaively } from '../../support/naive.ts'
import { anyQuery } from '../../support/queries.ts'
import { accessRows, allRows, anyRows, encodeRows, newCost, openEncoded, row } from '../../support/rows.ts'
import { runs } from '../../support/effort.ts'

const always: TimeRange = { fromMs: 0, toMs: Infinity }

interface View {
  range: TimeRange
  maxSeq: number
  hidden: number[]
}

const everything: View = { range: always, maxSeq: Infinity, hidden: [] }

function matching(filter: Filter, block: Block, { range, maxSeq, hidden }: View = everything): number[] {
  const rows: number[] = []
  bitmapForEach(evaluate(filter, block, { range, maxSeq, keepFromMs: 0, erasures: [] }, hidden), (index) => rows.push(index))
  return rows
}

/** Row numbers that match, block after block, from the engine and from the naive evaluator. */
function bothWays(text: string, rows: readonly EncodableRow[], view: View = everything, seqs?: readonly number[]) {
  const filter = parseQuery(text)
  const isVisible = ({ timestampMs, seq }: StoredRow) =>
    timestampMs >= view.range.fromMs && timestampMs < view.range.toMs && seq <= view.maxSeq && !view.hidden.includes(seq)
  const blocks = encodeRows(rows, seqs && ((i) => ({ seq: seqs[i]! })))
  return {
    engine: blocks.flatMap((encoded) => matching(filter, openEncoded(encoded), view)),
    naive: blocks.flatMap((encoded) =>
      allRows(openEncoded(encoded)).flatMap((each, i) => (isVisible(each) && matchesNaively(filter, each) ? [i] : [])),
    ),
  }
}

/** The rows that match, once the naive evaluator has agreed. */
function found(text: string, rows: readonly EncodableRow[]): number[] {
  const { engine, naive } = bothWays(text, rows)
  expect(engine).toEqual(naive)
  return engine
}

const withValues = (...values: AttributeValue[]) => values.map((value) => row({ attributes: { a: value } }))
const withMessages = (...messages: string[]) => messages.map((message) => row({ message }))

describe('as the naive evaluator', () => {
  const anyView = (rows: readonly EncodableRow[]): fc.Arbitrary<View> => {
    const ms = fc.oneof(fc.constantFrom(...rows.map(({ timestampMs }) => timestampMs)), fc.constantFrom(0, Infinity))
    const range = fc.tuple(ms, ms).map(([a, b]): TimeRange => ({ fromMs: Math.min(a, b), toMs: Math.max(a, b) }))
    const hidden = fc.uniqueArray(fc.nat({ max: 80 }), { maxLength: 10 }).map((seqs) => seqs.sort((a, b) => a - b))
    return fc.record<View>({
      range: fc.oneof(fc.constant(always), range),
      maxSeq: fc.oneof(fc.constant(Infinity), fc.nat({ max: 80 })),
      hidden: fc.oneof(fc.constant<number[]>([]), hidden),
    })
  }
  const anySeqs = (rows: readonly EncodableRow[]) => {
    const distinct = fc.uniqueArray(fc.nat({ max: 100 }), { minLength: rows.length, maxLength: rows.length })
    return fc.option(distinct, { nil: undefined })
  }
  const anyCase = anyRows.chain((rows) => fc.tuple(fc.constant(rows), anyQuery(rows), anyView(rows), anySeqs(rows)))

  test('any query finds the same in any rows, range and snapshot', () => {
    fc.assert(
      fc.property(anyCase, ([rows, text, view, seqs]) => {
        const { engine, naive } = bothWays(text, rows, view, seqs)
        expect(engine).toEqual(naive)
      }),
      { numRuns: runs(200) },
    )
  })

  test('any query finds the same in long columns of text', () => {
    const long = accessRows(1500).map((each, i) => ({
      ...each,
      message: `${each.message} #${i} ${i % 7 === 0 ? 'Größe' : ''} ${i % 11 ? '' : 'ſlow'}`,
    }))
    const pieces = long.slice(0, 40)
    fc.assert(
      fc.property(anyQuery(pieces), (text) => {
        const { engine, naive } = bothWays(text, long)
        expect(engine).toEqual(naive)
      }),
      { numRuns: runs(10) },
    )
  })
})

describe('words and phrases', () => {
  test('match whole tokens, whatever their case', () => {
    expect(found('reset', withMessages('Connection RESET by peer', 'resets', 'preset', 'a-reset.', 'reset_all', 'résetreset'))).toEqual([
      0, 3,
    ])
    expect(found('"reset by"', withMessages('connection reset by peer', 'reset  by', 'reset bypass'))).toEqual([0])
    expect(found('"/api/"', withMessages('GET /api/x', 'GET xAPI/api/', 'GET /apis/'))).toEqual([0, 1])
  })

  test('find an occurrence that overlaps one without boundaries', () => {
    expect(found('"a-a"', withMessages('xa-a-a', 'xa-a-ab', 'a-a'))).toEqual([0, 2])
  })

  test('never match across two values', () => {
    expect(found('"ab cd"', withMessages('xx ab', 'cd xx', 'ab cd', ' cd', 'ab'))).toEqual([2])
    expect(found('message:*bc*', withMessages('ab', 'c', 'bc', 'b', 'cb'))).toEqual([2])
  })

  test('fold letters beyond ASCII, but none of them to ASCII', () => {
    expect(found('größe', withMessages('GRÖSSE', 'Größe', 'GRÖßE', 'größen', '¡größe!'))).toEqual([1, 2, 4])
    expect(found('kelvin', withMessages('Kelvin', '\u212aelvin', 'KELVIN'))).toEqual([0, 2])
    expect(found('straße', withMessages('STRAßE', 'strasse'))).toEqual([0])
    expect(found('slow', withMessages('ſlow', 'slow', 'öslow', 'slowö', '日slow', '—slow—'))).toEqual([1, 5])
  })

  test('without a field look at message, source, severity name and all attributes', () => {
    const rows = [
      row({ message: 'zebra' }),
      row({ source: 'zebra' }),
      row({ attributes: { a: 'the zebra' } }),
      row({ attributes: { zebra: 'b' } }),
      row(),
    ]
    expect(found('zebra', rows)).toEqual([0, 1, 2])
    expect(found('error', [row({ severity: 4 }), row({ severity: 3 }), row({ message: 'an Error' })])).toEqual([0, 2])
  })

  test('match a number or boolean only as a whole', () => {
    expect(found('a:500', withValues(500, '500', 5000, 'code 500', -500, '500x', true))).toEqual([0, 1, 3])
    expect(found('500', withValues(500, 1500))).toEqual([0])
    expect(found('a:true', withValues(true, false, 'True story'))).toEqual([0, 2])
    expect(found('a:12345678901234567890', withValues(12345678901234567890n, 12345678901234567891n))).toEqual([0])
  })
})

describe('patterns', () => {
  test('a prefix begins at a token', () => {
    expect(found('timeo*', withMessages('a Timeout', 'xtimeout', 'time out', 'timeo'))).toEqual([0, 3])
    expect(found('a:5*', withValues(502, 5, 25, '502', 'x502', 'a 502', 0.5))).toEqual([0, 1, 3, 5])
  })

  test('a wildcard pattern is for the whole value', () => {
    expect(found('path:"/api/*"', [row({ attributes: { path: '/API/x' } }), row({ attributes: { path: '/v1/api/x' } })])).toEqual([0])
    expect(found('a:"a?c"', withValues('abc', 'ac', 'a😀c', 'abbc', 'xabc'))).toEqual([0, 2])
    expect(found('a:"*aa*aa"', withValues('aaaa', 'aaa', 'aaxaa', 'aaaaa'))).toEqual([0, 2, 3])
    expect(found('a:5?2', withValues(502, 512, 5002, '5x2'))).toEqual([0, 1, 3])
  })

  test('many stars take linear time', () => {
    const rows = withMessages('a'.repeat(100_000), 'b')
    // With backtracking this would not end.
    expect(matching(parseQuery(`message:${'a*'.repeat(50)}b`), openEncoded(encodeRows(rows)[0]!))).toEqual([])
  })

  test('a wildcard pattern finds what trying every place finds', () => {
    const part = fc.constantFrom('a', 'b', '😀', '?', '*', 'A')
    const pattern = fc.array(part, { minLength: 1, maxLength: 14 }).map((parts) => parts.join(''))
    const value = fc.array(fc.constantFrom('a', 'a', 'b', '😀'), { maxLength: 60 }).map((parts) => parts.join(''))
    fc.assert(
      fc.property(pattern, fc.array(value, { minLength: 1, maxLength: 20 }), (text, values) => {
        const { engine, naive } = bothWays(`a:"${text}"`, withValues(...values))
        expect(engine).toEqual(naive)
      }),
      { numRuns: runs(200) },
    )
    const long = 'abcdefgh'.repeat(12)
    expect(found(`a:"*${long}?x?*"`, withValues(`a${long}${long}1x2`, `${long}xx`, `${long}1x2`))).toEqual([0, 2])
  })

  test.each([
    ['wildcards before a literal', `*${'?'.repeat(64)}b*`],
    ['wildcards between literals', `*${'a?'.repeat(64)}b*`],
    ['a long literal at every place', `*${'a'.repeat(3900)}?b*`],
    ['wildcards after a literal', `*${'a'.repeat(3900)}${'?'.repeat(60)}c*`],
    ['more stars than characters', `*${'a*'.repeat(1900)}c*`],
  ])('a value of 250,000 characters takes no quadratic time: %s', (_, pattern) => {
    // Trying each place of each value took minutes.
    const values = Array.from({ length: 3 }, (_each, i) => `b${i}${'a'.repeat(249_000)}`)
    expect(matching(parseQuery(`message:"${pattern}"`), openEncoded(encodeRows(withMessages(...values))[0]!))).toEqual([])
    const found = parseQuery(`message:"${pattern.replace(/[bc]\*$/, '*')}"`)
    expect(matching(found, openEncoded(encodeRows(withMessages(...values))[0]!))).toEqual([0, 1, 2])
  })

  test('a regular expression may match anywhere, caseless unless it says otherwise', () => {
    expect(found('a:~"web-\\d+"', withValues('WEB-17', 'web-x', 'xweb-1y'))).toEqual([0, 2])
    expect(found('a:~"(?-i)web"', withValues('WEB', 'web'))).toEqual([1])
    expect(found('a:~"^(foo|barx) \\d$"', withValues('foo 1', 'bar 1', 'BARX 2', 'xfoo 1'))).toEqual([0, 2])
    expect(found('a:~"(foo|\\d+)x?$"', withValues('42', 'a foo', 'bar'))).toEqual([0, 1])
    expect(found('a:~"task"', withValues('task', 'ta\u017fk', 'tas\u212a'))).toEqual([0])
    expect(found('a:~"^5\\d\\d$"', withValues(502, 5020, '502'))).toEqual([0, 2])
  })
})

describe('comparisons', () => {
  test('take numbers, and texts that are numbers', () => {
    expect(found('a:>=500', withValues(500, 499.9, '501', '5e2', 'x600', true, 10n ** 30n))).toEqual([0, 2, 3, 6])
    expect(found('a:[100 TO 5000}', withValues(100, 99, 4999.5, 5000))).toEqual([0, 2])
    expect(found('a:<0', withValues(-1, 0, -0, -(10n ** 30n)))).toEqual([0, 3])
  })

  test('are exact beyond 2^53', () => {
    const rows = withValues(9007199254740992, 9007199254740993n, 9007199254740994, 9007199254740995n)
    expect(found('a:>9007199254740993', rows)).toEqual([2, 3])
    expect(found('a:<=9007199254740993', rows)).toEqual([0, 1])
    expect(found('a:>9007199254740993', withValues(9007199254740992, 9007199254740994, 1))).toEqual([1])
    expect(found(`a:<1${'0'.repeat(380)}`, withValues(Number.MAX_VALUE, 1))).toEqual([0, 1])
  })

  test('of texts go by folded text', () => {
    expect(found('a:>="V1.2"', withValues('v1.10', 'v1.3', 'V1.2', 'w', 5, true))).toEqual([1, 2, 3])
  })

  test('of times are exact to the nanosecond', () => {
    const ms = Date.UTC(2026, 10, 22)
    const rows = [row({ timestampMs: ms - 1, timestampNs: 999_999 }), row({ timestampMs: ms }), row({ timestampMs: ms, timestampNs: 1 })]
    expect(found('timestamp:>2026-11-22T00:00:00Z', rows)).toEqual([2])
    expect(found('timestamp:>=2026-11-22T00:00:00Z', rows)).toEqual([1, 2])
    expect(found('timestamp:[2026-11-21T23:59:59.999999999Z TO 2026-11-22T00:00:00Z}', rows)).toEqual([0])
  })

  test('a whole value is compared exactly, or caseless in a set', () => {
    expect(found('a:=Abc', withValues('Abc', 'abc', 'Abcd'))).toEqual([0])
    expect(found('a:=500', withValues(500, '500', 500.5))).toEqual([0, 1])
    expect(found('a:=""', withValues('', ' '))).toEqual([0])
    expect(found('a:in(ABC, 500, "x y")', withValues('abc', 500, 'X Y', 501, 'abcd'))).toEqual([0, 1, 2])
  })
})

describe('what is there', () => {
  test('exists and missing', () => {
    const rows = [row({ attributes: { user_id: '' } }), row({ attributes: { user_id: 0 } }), row({ source: '' })]
    expect(found('user_id:*', rows)).toEqual([0, 1])
    expect(found('-user_id:*', rows)).toEqual([2])
    expect(found('-source:*', rows)).toEqual([2])
    expect(found('updated_at:*', rows)).toEqual([])
  })

  test('an attribute that no row has matches nothing, so that its negation matches all', () => {
    expect(found('missing:x', [row()])).toEqual([])
    expect(found('-missing:x', [row()])).toEqual([0])
    expect(found('__proto__:*', [row(), row({ attributes: JSON.parse('{"__proto__": 1}') as Record<string, number> })])).toEqual([1])
  })
})

test('a rare word reads no page of a block without it', () => {
  const blocks = Array.from({ length: 40 }, (_, i) => encodeRows(accessRows(1000, i + 1))).flat()
  const needle = encodeRows([...accessRows(999, 99), row({ message: 'GET /zebra-quartz-373' })])
  const cost = newCost()
  const read = [...blocks, ...needle].filter((encoded) => {
    const before = cost.pagesRead
    matching(parseQuery('zebra quartz 373'), openEncoded(encoded, cost))
    return cost.pagesRead > before
  })
  expect(read.length).toBeLessThanOrEqual(2)
})

describe.each<CorpusName>(['nginx-access', 'pino'])('real lines of %s', (name) => {
  const rows = corpusRows(name)

  test('any query made from some of them', () => {
    const some = Array.from({ length: 50 }, (_, i) => rows[i * 40]!)
    fc.assert(
      fc.property(anyQuery(some), (text) => {
        const { engine, naive } = bothWays(text, rows)
        expect(engine).toEqual(naive)
      }),
      { numRuns: runs(10) },
    )
  })

  test.each([
    '502',
    'GET "/api/"',
    'err*',
    '*timeout*',
    '-status:200 status:<500',
    'responseTime:>=100',
    'err.message:~"time.?out"',
    'level:>=error',
  ])('%s', (text) => {
    const { engine, naive } = bothWays(text, rows)
    expect(engine).toEqual(naive)
  })
})
