import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BlockError } from '../../../src/engine/block/block_error.ts'
import { statsCellsMax, statsStateBytesMax } from '../../../src/core/limits.ts'
import { aggregateBlocks } from '../../../src/engine/query/aggregate_blocks.ts'
import { mergeAggregates } from '../../../src/engine/query/operations.ts'
import { parseQuery } from '../../../src/engine/query/parser.ts'
import { mergeStats } from '../../../src/engine/query/stats.ts'
import { answerStats } from '../../../src/engine/query/stats_answer.ts'
import { parseStats } from '../../../src/engine/query/stats_parser.ts'
import type { StatsFunction, StatsPlan, StatsTable } from '../../../src/engine/query/stats_types.ts'
import type { EncodableRow, StoredRow } from '../../../src/engine/row.ts'
import { runs } from '../../support/effort.ts'
import { computeNaively, groupNaively } from '../../support/naive_stats.ts'
import { accessRows, anyRow, anyText, receivedMs, row } from '../../support/rows.ts'
import type { TestShard } from '../../support/shards.ts'
import { scopeOf, testShard } from '../../support/shards.ts'

const functionTexts = [
  'count() count(d) count(message) count(updated_at) count_distinct(d) count_distinct(message) count_distinct(mixed) count_distinct(nowhere)',
  'sum(d) avg(d) min(d) max(d) min(mixed) max(mixed) min(timestamp) max(severity) sum(nowhere) max(nowhere)',
  'p50(d) p99(d) p1(mixed) p99.9(mixed) p50(nowhere)',
]
const anyFunction = fc.constantFrom(...functionTexts.flatMap((texts) => texts.split(' ')))
const anyPlan: fc.Arbitrary<StatsPlan> = fc.record({
  functions: fc.uniqueArray(anyFunction, { minLength: 1, maxLength: 6 }).map((texts) => parseStats(texts.join(', '))),
  by: fc.uniqueArray(fc.constantFrom('source', 'severity', 'd', 'mixed', 'message', 'timestamp', 'nowhere'), { maxLength: 3 }),
  bucketMs: fc.constantFrom(null, 1, 3, 1000),
})

const anyDuration = fc.oneof(
  fc.integer({ min: -3, max: 900 }),
  fc.double({ min: -1e9, max: 1e9, noNaN: true }),
  fc.constantFrom(0.1, 0.2, 1e-7, 1e15),
)
const anyStatsRow: fc.Arbitrary<EncodableRow> = fc
  .record({
    timestampMs: fc.integer({ min: receivedMs, max: receivedMs + 12 }),
    severity: fc.nat({ max: 5 }),
    source: fc.constantFrom('api', 'web', ''),
    message: anyText,
    attributes: fc.record(
      {
        d: anyDuration,
        mixed: fc.oneof(anyDuration, fc.constantFrom('5', '5.0', 'n/a', true, 5), fc.bigInt({ min: 2n ** 53n, max: 2n ** 60n })),
      },
      { requiredKeys: [] },
    ),
  })
  .map(row)

/** Rows in batches of one to three shards, some edited or deleted since. */
const anyShards: fc.Arbitrary<TestShard[]> = fc
  .array(
    fc.array(fc.array(fc.oneof({ weight: 9, arbitrary: anyStatsRow }, { weight: 1, arbitrary: anyRow }), { minLength: 1, maxLength: 12 }), {
      maxLength: 4,
    }),
    {
      minLength: 1,
      maxLength: 3,
    },
  )
  .chain((batches) =>
    fc.tuple(fc.constant(batches), fc.dictionary(fc.integer({ min: 1, max: 20 }).map(String), fc.option(anyStatsRow), { maxKeys: 3 })),
  )
  .map(([batches, patches]) =>
    batches.map((each, i) => testShard(i, each, new Map(Object.entries(patches).map(([seq, patch]) => [Number(seq), patch])))),
  )

function tablesOf(shards: readonly TestShard[], plan: StatsPlan, q = ''): StatsTable[] {
  return shards.map((shard) =>
    structuredClone(aggregateBlocks(shard.sources, parseQuery(q), scopeOf(shard), { kind: 'stats', plan }).result),
  )
}

describe('statistics', () => {
  test('are those of the naive evaluator, however rows are spread over blocks and shards', () => {
    fc.assert(
      fc.property(anyShards, anyPlan, fc.boolean(), (shards, plan, isDescending) => {
        const rows = shards.flatMap((shard) => shard.rows)
        const scans = shards.map((shard) => aggregateBlocks(shard.sources, parseQuery(''), scopeOf(shard), { kind: 'stats', plan }))
        const { result } = mergeAggregates({ kind: 'stats', plan }, structuredClone(scans))
        const answer = answerStats(plan, result, { function: 0, isDescending }, 1000)
        const expected = groupNaively(plan, rows)
        expect(answer.groups.map(({ key }) => JSON.stringify(key)).sort()).toEqual([...expected.keys()].sort())
        expect(answer).toMatchObject({ groupCount: expected.size, isPruned: false })
        for (const { key, values, buckets, isComplete } of answer.groups) {
          const group = expected.get(JSON.stringify(key))!
          expect(isComplete).toBe(true)
          expectValues(plan, values, group.rows)
          expect(buckets.map(({ startMs }) => startMs)).toEqual([...group.buckets.keys()].sort((a, b) => a - b))
          for (const bucket of buckets) expectValues(plan, bucket.values, group.buckets.get(bucket.startMs)!)
        }
        expectRanked(
          answer.groups.map(({ values }) => values[0]!),
          isDescending,
        )
      }),
      { numRuns: runs(300) },
    )
  })

  test('do not depend on the order or the way of merging', () => {
    fc.assert(
      fc.property(anyShards, anyPlan, fc.array(fc.nat()), (shards, plan, order) => {
        const tables = tablesOf(shards, plan)
        const shuffled = tables.toSorted((a, b) => (order[tables.indexOf(a)] ?? 0) - (order[tables.indexOf(b)] ?? 0))
        const nested = shuffled.reduce((merged, table) => mergeStats(plan, [table, merged]))
        const answer = (table: StatsTable) => answerStats(plan, table, { function: 0, isDescending: true }, 1000)
        const close = (value: unknown) => (typeof value === 'number' ? Number(value.toPrecision(12)) : value)
        const rounded = (table: StatsTable) => answer(table).groups.map(({ key, values }) => ({ key, values: values.map(close) }))
        const byKey = (groups: ReturnType<typeof rounded>) => new Map(groups.map((group) => [JSON.stringify(group.key), group]))
        expect(byKey(rounded(nested))).toEqual(byKey(rounded(mergeStats(plan, tables))))
      }),
      { numRuns: runs(100) },
    )
  })

  test('count rows of a filter, and by severity without opening a block', () => {
    const shard = testShard(0, [accessRows(500), accessRows(300, 2)])
    const plan = { functions: parseStats('count()'), by: ['level'], bucketMs: null }
    const closed = shard.sources.map(({ meta }) => ({ meta, open: () => expect.fail('opened') }))
    const { result } = aggregateBlocks(closed, parseQuery(''), scopeOf(shard), { kind: 'stats', plan })
    const answer = answerStats(plan, result, { function: 0, isDescending: true }, 10)
    const errors = shard.rows.filter(({ severity }) => severity === 4).length
    expect(answer.groups.map(({ key, values }) => [...key, ...values])).toEqual([
      ['INFO', 800 - errors],
      ['ERROR', errors],
    ])
    const [filtered] = tablesOf([shard], plan, 'status:502')
    expect(answerStats(plan, filtered!, { function: 0, isDescending: true }, 10).groups).toMatchObject([
      { key: ['ERROR'], values: [errors] },
    ])
  })

  test('of very many groups end with the budget', () => {
    const batches = Array.from({ length: 10 }, (_, batch) =>
      Array.from({ length: 500 }, (__, i) => row({ attributes: { id: batch * 500 + i } })),
    )
    const shard = testShard(0, batches)
    const plan = { functions: parseStats('count()'), by: ['id'], bucketMs: null }
    const scan = aggregateBlocks(shard.sources, parseQuery(''), scopeOf(shard, { budgetBytes: 2 ** 20 }), { kind: 'stats', plan })
    expect(scan.budgetEnded).toBe(true)
    expect(scan.result.groups.length).toBeGreaterThan(500)
    expect(scan.result.groups).toHaveLength(scan.cost.rowsMatched)
  })

  test('a sum does not lose small numbers beside great ones', () => {
    const rows = [1e16, ...Array.from({ length: 1000 }, () => 1), -1e16].map((d) => row({ attributes: { d } }))
    const plan = { functions: parseStats('sum(d), avg(d)'), by: [], bucketMs: null }
    const table = mergeStats(plan, tablesOf([testShard(0, [rows.slice(0, 300), rows.slice(300)])], plan))
    expect(answerStats(plan, table, { function: 0, isDescending: true }, 1).groups[0]!.values).toEqual([1000, 1000 / 1002])
  })

  test('a sum beyond what a double holds is null, not infinite', () => {
    const plan = { functions: parseStats('sum(d), max(d)'), by: [], bucketMs: null }
    const rows = [row({ attributes: { d: Number.MAX_VALUE } }), row({ attributes: { d: Number.MAX_VALUE } })]
    const table = mergeStats(plan, tablesOf([testShard(0, [rows])], plan))
    expect(answerStats(plan, table, { function: 0, isDescending: true }, 1).groups[0]!.values).toEqual([null, Number.MAX_VALUE])
  })

  test('without rows there is one group of nothing', () => {
    const plan = { functions: parseStats('count(), sum(d), p50(d), count_distinct(d)'), by: [], bucketMs: 60_000 }
    const answer = answerStats(plan, mergeStats(plan, []), { function: 0, isDescending: true }, 10)
    expect(answer.groups).toEqual([{ key: [], values: [0, null, null, 0], buckets: [], isComplete: true }])
    expect(answerStats({ ...plan, by: ['source'] }, mergeStats(plan, []), { function: 0, isDescending: true }, 10).groups).toEqual([])
  })

  test('a damaged block adds nothing', () => {
    const shard = testShard(0, [accessRows(50), accessRows(70, 2)])
    const damaged = shard.sources.map((source, i) => ({
      ...source,
      open: (cost: Parameters<typeof source.open>[0]) => {
        const block = source.open(cost)
        return i === 1 ? { ...block, attribute: () => ({ ...block.attribute('bytes')!, data: () => damage() }) } : block
      },
    }))
    const plan = { functions: parseStats('count(), sum(bytes)'), by: ['source'], bucketMs: null }
    const scan = aggregateBlocks(damaged, parseQuery(''), scopeOf(shard), { kind: 'stats', plan })
    expect(scan.damaged).toHaveLength(1)
    expect(scan.result.cellRows.reduce((a, b) => a + b)).toBe(50)
  })
})

describe('statistics of more groups than fit', () => {
  const plan = { functions: parseStats('count()'), by: ['id'], bucketMs: null }
  const often = (i: number) => (i % 10 === 0 ? `often${i % 50}` : `v${i}`)
  const rows = Array.from({ length: 90_000 }, (_, i) => row({ attributes: { id: often(i) } }))

  test('keep those of most rows, and say which may lack rows', () => {
    const shard = testShard(0, [rows.slice(0, 30_000), rows.slice(30_000, 60_000), rows.slice(60_000)])
    const [table] = tablesOf([shard], plan)
    expect(table!.cellRows.length).toBeLessThanOrEqual(statsCellsMax)
    const answer = answerStats(plan, table!, { function: 0, isDescending: true }, 6)
    expect(answer.isPruned).toBe(true)
    expect(answer.groups.slice(0, 5)).toEqual(
      ['often0', 'often10', 'often20', 'often30', 'often40'].map((id) => ({ key: [id], values: [1800], buckets: [], isComplete: true })),
    )
    expect(answer.groups[5]!.values).toEqual([1])
  })

  test('a group that a part dropped, or may have dropped, is not complete', () => {
    const shard = testShard(0, [rows.slice(0, 60_000), [row({ attributes: { id: 'late' } })]])
    const [table] = tablesOf([shard], plan)
    const [other] = tablesOf([testShard(1, [[row({ attributes: { id: 'elsewhere' } }), row({ attributes: { id: 'often0' } })]])], plan)
    for (const tables of [
      [table!, other!],
      [other!, table!],
    ]) {
      const { groups } = answerStats(plan, mergeStats(plan, tables), { function: 0, isDescending: true }, 100_000)
      const isComplete = new Map(groups.map((group) => [group.key[0], group.isComplete]))
      expect([isComplete.get('often0'), isComplete.get('elsewhere'), isComplete.get('late')]).toEqual([true, false, false])
    }
  })

  test('their sketches are bounded in bytes together', () => {
    const heavy = { functions: parseStats('count_distinct(value)'), by: ['id'], bucketMs: null }
    const groups = Array.from({ length: 1500 }, (_, i) => ({ key: [`g${i}`], isComplete: true }))
    const cells = groups.map(() => ({ count: 0, slots: null, registers: new Uint8Array(16_384).fill(1) }))
    const table: StatsTable = {
      groups,
      cellGroups: groups.map((_, i) => i),
      cellStartMs: groups.map(() => 0),
      cellRows: groups.map((_, i) => i),
      states: [{ kind: 'distinct', cells }],
      isPruned: false,
    }
    const merged = mergeStats(heavy, [table])
    expect(merged.isPruned).toBe(true)
    expect(merged.groups.length * 16_384).toBeLessThanOrEqual(statsStateBytesMax)
    expect(merged.groups[0]).toEqual({ key: [`g${1500 - merged.groups.length}`], isComplete: true })
  })
})

/** Every value is that of the naive evaluator, or as near to it as its function promises. */
function expectValues(plan: StatsPlan, values: readonly unknown[], rows: readonly StoredRow[]): void {
  const expected = plan.functions.map((each) => computeNaively(each, rows))
  const isNear = expected.map((wanted, i) => isNearEnough(plan.functions[i]!, values[i], wanted, rows))
  expect(values.map((value, i) => (isNear[i] ? expected[i] : value))).toEqual(expected)
}

/** Sums of numbers as great as the greatest double are left out: there the naive order of adding matters. */
function isNearEnough(each: StatsFunction, value: unknown, wanted: number | bigint | null, rows: readonly StoredRow[]): boolean {
  if (typeof wanted !== 'number' || !['sum', 'avg', 'percentile'].includes(each.name)) return false
  if (!Number.isFinite(wanted)) return true
  const error = each.name === 'percentile' ? Math.abs(wanted) * 0.01001 : magnitudeOf(each.field!, rows) * 1e-13
  return Math.abs(Number(value) - wanted) <= error + 1e-299
}

/** Sum of the absolute values: what rounding of a sum is measured by. */
function magnitudeOf(field: string, rows: readonly StoredRow[]): number {
  const numbers = rows.map(({ attributes }) => attributes[field]).filter((value) => typeof value === 'number' || typeof value === 'bigint')
  return numbers.reduce<number>((sum, value) => sum + Math.abs(Number(value)), 0)
}

function expectRanked(values: readonly (number | bigint | null)[], isDescending: boolean): void {
  const sorted = values.toSorted((a, b) => {
    if (a === null || b === null) return Number(a === null) - Number(b === null)
    return (a < b ? -1 : Number(a > b)) * (isDescending ? -1 : 1)
  })
  expect(values).toEqual(sorted)
}

function damage(): never {
  throw new BlockError('test damage')
}
