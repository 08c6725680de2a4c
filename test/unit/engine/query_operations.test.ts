import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { queryBlockBytes } from '../../../src/core/limits.ts'
import { severities } from '../../../src/core/severity.ts'
import type { Filter } from '../../../src/engine/query/ast.ts'
import { aggregateBlocks } from '../../../src/engine/query/aggregate_blocks.ts'
import { mergeRows, rowsOfShard } from '../../../src/engine/query/merge.ts'
import { mergeAggregates } from '../../../src/engine/query/operations.ts'
import { parseQuery } from '../../../src/engine/query/parser.ts'
import { compareInOrder, positionOf } from '../../../src/engine/query/position.ts'
import { searchBlocks } from '../../../src/engine/query/search.ts'
import type { AggregateOperation, BlockSource, Order, Position, Scope } from '../../../src/engine/query/types.ts'
import type { StoredRow } from '../../../src/engine/row.ts'
import { matchesNaively } from '../../support/naive.ts'
import { accessRows, receivedMs, row } from '../../support/rows.ts'
import { seededRandom } from '../../support/seeded_random.ts'
import type { TestShard } from '../../support/shards.ts'
import { anyShards, scopeOf, testShard } from '../../support/shards.ts'
import { runs } from '../../support/effort.ts'

const numRuns = runs(200)

type View = Pick<Scope, 'range' | 'maxSeq'>

const anyText = fc.constantFrom(
  '',
  'reset',
  '-reset',
  'level:error',
  'level:error OR timeout',
  'status:502',
  '-status:* source:api',
  'timestamp:>2026-11-22T07:30:00.003Z',
  'zebra',
)
const anyOrder = fc.constantFrom<Order>('newest', 'oldest')
const anyMs = fc.integer({ min: receivedMs - 1, max: receivedMs + 14 })
const anyView: fc.Arbitrary<View> = fc.record({
  range: fc.oneof(
    fc.constant({ fromMs: 0, toMs: 10 ** 13 }),
    fc.tuple(anyMs, anyMs).map(([a, b]) => ({ fromMs: Math.min(a, b), toMs: Math.max(a, b) })),
  ),
  maxSeq: fc.oneof(fc.constant(2 ** 48 - 1), fc.nat({ max: 40 })),
})

function naiveRows(shards: readonly TestShard[], filter: Filter, { range, maxSeq }: View): { shard: number; row: StoredRow }[] {
  return shards.flatMap(({ shard, rows }) =>
    rows
      .filter(
        (each) => each.timestampMs >= range.fromMs && each.timestampMs < range.toMs && each.seq <= maxSeq && matchesNaively(filter, each),
      )
      .map((each) => ({ shard, row: each })),
  )
}

const place = ({ shard, row: each }: { shard: number; row: StoredRow }) =>
  `${each.timestampMs - receivedMs}.${each.timestampNs} ${shard}/${each.seq}`

describe('search', () => {
  test('pages of any size and budget hold each matching row once, in order', () => {
    const limits = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 3 })
    const budgets = fc.array(fc.constantFrom(0, 1, 300, 1000, Infinity), { minLength: 1, maxLength: 3 })
    fc.assert(
      fc.property(anyShards, anyText, anyView, anyOrder, limits, budgets, (shards, text, view, order, pageLimits, pageBudgets) => {
        const filter = parseQuery(text)
        const found: { shard: number; row: StoredRow }[] = []
        let after: Position | undefined
        for (let page = 0; ; page++) {
          const limit = pageLimits[page % pageLimits.length]!
          const budgetBytes = pageBudgets[page % pageBudgets.length]!
          const parts = shards.map((shard) => {
            const { result } = searchBlocks(shard.sources, filter, scopeOf(shard, { ...view, budgetBytes }), { order, limit, after })
            return rowsOfShard(shard.shard, result)
          })
          const merged = mergeRows(parts, order, limit)
          expect(merged.rows.length).toBeLessThanOrEqual(limit)
          found.push(...merged.rows)
          if (merged.frontier === null) break
          expect(after === undefined ? -1 : compareInOrder(order, after, merged.frontier)).toBeLessThan(0)
          after = merged.frontier
        }
        const position = (each: { shard: number; row: StoredRow }) => positionOf(each.row, each.shard)
        const expected = naiveRows(shards, filter, view).sort((a, b) => compareInOrder(order, position(a), position(b)))
        expect(found.map(place)).toEqual(expected.map(place))
        expect(found).toEqual(expected)
      }),
      { numRuns },
    )
  })

  test('the newest rows come from the newest blocks; older ones are not opened', () => {
    const shard = testShard(
      0,
      Array.from({ length: 50 }, (_, i) => accessRows(100, i + 1).map((each) => ({ ...each, timestampMs: each.timestampMs + i * 10_000 }))),
    )
    const { result, cost } = searchBlocks(shard.sources, parseQuery('GET'), scopeOf(shard), { order: 'newest', limit: 150 })
    const { rows, frontier } = result
    expect(rows).toHaveLength(150)
    expect(cost).toMatchObject({ blocksConsidered: 50, blocksRead: 2, blocksSkipped: 48 })
    expect(frontier).toEqual(positionOf(rows[149]!, 0))
  })

  test('ends at its budget with a frontier to go on from', () => {
    const shard = testShard(
      0,
      Array.from({ length: 20 }, (_, i) => accessRows(200, i + 1).map((each) => ({ ...each, timestampMs: each.timestampMs + i * 10_000 }))),
    )
    const first = searchBlocks(shard.sources, parseQuery('*products*'), scopeOf(shard, { budgetBytes: 20_000 }), {
      order: 'oldest',
      limit: 10_000,
    })
    expect(first.budgetEnded).toBe(true)
    expect(first.cost.blocksRead).toBeLessThan(10)
    expect(first.result.rows.length).toBeLessThan(4000)
    expect(first.result.frontier).not.toBeNull()
  })

  test('ends at its budget when many small blocks are opened, none of which needs decompression', () => {
    const shard = testShard(
      0,
      Array.from({ length: 30 }, (_, i) => [row({ timestampMs: receivedMs + i })]),
    )
    const { budgetEnded, cost } = searchBlocks(shard.sources, parseQuery('zebra'), scopeOf(shard, { budgetBytes: 10 * queryBlockBytes }), {
      order: 'oldest',
      limit: 10,
    })
    expect({ budgetEnded, ...cost }).toMatchObject({ budgetEnded: true, blocksRead: 0, bytesDecompressed: 0 })
  })

  test.each(['message:~"a.{20}c"', 'message:~"[^x]{60}c"', `message:"*${'a?'.repeat(60)}c*"`])(
    'ends at its budget when its conditions are slow to test: %s',
    (text) => {
      const random = seededRandom(5)
      const letters = () => Array.from({ length: 20_000 }, () => 'ab'[random(2)]).join('')
      const shard = testShard(
        0,
        Array.from({ length: 10 }, (_, i) => [row({ timestampMs: receivedMs + i, message: `${letters()} c` })]),
      )
      const scope = scopeOf(shard, { budgetBytes: 10 * (queryBlockBytes + 25_000) })
      const ended = (q: string) => searchBlocks(shard.sources, parseQuery(q), scope, { order: 'oldest', limit: 10 })
      expect(ended('message:zebra*').budgetEnded).toBe(false)
      const { budgetEnded, cost } = ended(text)
      expect(budgetEnded).toBe(true)
      expect(cost.bytesDecompressed).toBeLessThan(9 * 25_000)
    },
  )

  test('a page of large rows is cut before it is too large for one answer', () => {
    const rows = Array.from({ length: 60 }, (_, i) => row({ timestampMs: receivedMs + i, message: `${i} ${'x'.repeat(250_000)}` }))
    const shard = testShard(
      0,
      rows.map((each) => [each]),
    )
    const { rows: found, frontier } = searchBlocks(shard.sources, parseQuery(''), scopeOf(shard), { order: 'oldest', limit: 60 }).result
    expect(found.length).toBeGreaterThan(20)
    expect(found.length).toBeLessThan(40)
    expect(frontier).toEqual(positionOf(found.at(-1)!, 0))
  })

  test('blocks without a row of the asked severity or time are not opened', () => {
    const shard = testShard(0, [accessRows(10), [row({ severity: 5 })], [row({ timestampMs: 1000 })]])
    const closed = shard.sources.map(({ meta }) => ({ meta, open: () => expect.fail('opened') }))
    for (const text of [
      'level:trace',
      'timestamp:<1970-01-01T00:00:00Z',
      'level:critical timestamp:<2000-01-01T00:00:00Z AND level:trace',
    ]) {
      expect(searchBlocks(closed, parseQuery(text), scopeOf(shard), { order: 'newest', limit: 1 }).result).toEqual({
        rows: [],
        frontier: null,
      })
    }
  })
})

describe('count, histogram and facets', () => {
  test('are those of the naive evaluator', () => {
    fc.assert(
      fc.property(anyShards, anyText, anyView, fc.constantFrom(1, 2, 5, 1000), (shards, text, view, bucketMs) => {
        const filter = parseQuery(text)
        const rows = naiveRows(shards, filter, view).map((each) => each.row)
        const scopes = shards.map((shard) => ({ ...shard, scope: scopeOf(shard, view) }))

        const answer = <O extends AggregateOperation>(operation: O) =>
          mergeAggregates(
            operation,
            scopes.map(({ sources, scope }) => aggregateBlocks(sources, filter, scope, operation)),
          )

        expect(answer({ kind: 'count' })).toMatchObject({ result: { count: rows.length }, budgetEnded: false, damaged: [] })

        const buckets = new Map<number, number[]>()
        for (const { timestampMs, severity } of rows) {
          const startMs = timestampMs - (timestampMs % bucketMs)
          if (!buckets.has(startMs))
            buckets.set(
              startMs,
              severities.map(() => 0),
            )
          buckets.get(startMs)![severity]!++
        }
        const histogram = answer({ kind: 'histogram', bucketMs })
        const expected = Array.from(buckets, ([startMs, counts]) => ({ startMs, counts })).sort((a, b) => a.startMs - b.startMs)
        expect(histogram.result.buckets).toEqual(expected)
        expect(histogram.cost.rowsMatched).toBe(rows.length)

        const valueOf: Record<string, (each: StoredRow) => string | undefined> = {
          level: ({ severity }) => severities[severity],
          source: ({ source }) => source || undefined,
          message: ({ message }) => message || undefined,
          status: ({ attributes }) => ('status' in attributes ? String(attributes['status']) : undefined),
          missing: () => undefined,
        }
        const fields = Object.keys(valueOf)
        const { facets } = answer({ kind: 'facets', fields, limit: 3 }).result
        expect(facets).toEqual(fields.map((field) => naiveFacet(field, rows.map(valueOf[field]!), 3)))
      }),
      { numRuns },
    )
  })

  test('header counts answer where they can, and then no block is opened', () => {
    const shard = testShard(0, [accessRows(100), accessRows(50, 2)])
    const closed = shard.sources.map(({ meta }) => ({ meta, open: () => expect.fail('opened') }))
    const errors = naiveRows([shard], parseQuery('level:error'), scopeOf(shard)).length
    expect(count(closed, '', scopeOf(shard))).toBe(150)
    expect(count(closed, 'level:error OR level:critical', scopeOf(shard))).toBe(errors)
    expect(aggregateBlocks(closed, parseQuery('-level:info'), scopeOf(shard), byDay).cost).toMatchObject({
      rowsMatched: errors,
      blocksRead: 0,
    })
  })

  test('an edited row that came after the snapshot is not counted from the header of its overlay', () => {
    const shard = testShard(
      0,
      [accessRows(6)],
      new Map([
        [1, row()],
        [6, row()],
      ]),
    )
    expect(count(shard.sources, '', scopeOf(shard, { maxSeq: 3 }))).toBe(3)
    expect(aggregateBlocks(shard.sources, parseQuery(''), scopeOf(shard, { maxSeq: 3 }), byDay).cost.rowsMatched).toBe(3)
  })

  test('a budget makes counts a lower bound and says so', () => {
    const shard = testShard(
      0,
      Array.from({ length: 20 }, (_, i) => accessRows(200, i + 1)),
    )
    const scope = scopeOf(shard, { budgetBytes: 20_000 })
    const ended = (operation: AggregateOperation) => aggregateBlocks(shard.sources, parseQuery('GET'), scope, operation).budgetEnded
    expect(ended({ kind: 'count' })).toBe(true)
    expect(count(shard.sources, 'GET', scope)).toBeGreaterThan(0)
    expect(count(shard.sources, 'GET', scope)).toBeLessThan(4000)
    expect(ended({ kind: 'histogram', bucketMs: 1000 })).toBe(true)
    expect(ended({ kind: 'facets', fields: ['status'], limit: 5 })).toBe(true)
  })

  test('a facet keeps the frequent values when there are more distinct ones than it counts', () => {
    const rows = Array.from({ length: 60_000 }, (_, i) => row({ attributes: { id: i % 10 === 0 ? 'often' : `v${i}` } }))
    const shard = testShard(0, [rows.slice(0, 20_000), rows.slice(20_000, 40_000), rows.slice(40_000)])
    const operation = { kind: 'facets', fields: ['id'], limit: 1 } as const
    const [facet] = aggregateBlocks(shard.sources, parseQuery(''), scopeOf(shard), operation).result.facets
    expect(facet).toMatchObject({ count: 60_000, truncated: true })
    expect(facet!.values[0]).toEqual({ value: 'often', count: 6000 })
  })
})

const byDay = { kind: 'histogram', bucketMs: 86_400_000 } as const

function count(sources: BlockSource[], q: string, scope: Scope): number {
  return aggregateBlocks(sources, parseQuery(q), scope, { kind: 'count' }).result.count
}

function naiveFacet(field: string, values: readonly (string | undefined)[], limit: number) {
  const counts = new Map<string, number>()
  for (const value of values) if (value !== undefined) counts.set(value, (counts.get(value) ?? 0) + 1)
  const sorted = Array.from(counts, ([value, count]) => ({ value, count })).sort(
    (a, b) => b.count - a.count || (a.value < b.value ? -1 : 1),
  )
  return {
    field,
    values: sorted.slice(0, limit),
    count: values.filter((value) => value !== undefined).length,
    truncated: sorted.length > limit,
  }
}
