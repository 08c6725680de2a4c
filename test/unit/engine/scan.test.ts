import fc from 'fast-check'
import { expect, test } from 'vitest'
import { severities } from '../../../src/core/severity.ts'
import { parseQuery } from '../../../src/engine/query/parser.ts'
import { compareInOrder, positionOf } from '../../../src/engine/query/position.ts'
import type { Erasure } from '../../../src/engine/query/erasure.ts'
import type { AggregateOperation, Order, Position, ResultOf, View } from '../../../src/engine/query/types.ts'
import type { StoredRow } from '../../../src/engine/row.ts'
import { scanSegments } from '../../../src/engine/segment/scan.ts'
import { searchSegments } from '../../../src/engine/segment/scan_rows.ts'
import type { ScanTarget } from '../../../src/engine/segment/scan_types.ts'
import { runs } from '../../support/effort.ts'
import { matchesNaively } from '../../support/naive.ts'
import { anyQuery } from '../../support/queries.ts'
import { anyRow, receivedMs } from '../../support/rows.ts'
import type { MemoryObjects, SealedRow } from '../../support/scans.ts'
import { memoryObjects, readerOf, sealRows, sealedAsStored } from '../../support/scans.ts'
import { crowdedRow } from '../../support/shards.ts'

const anyErasure: fc.Arbitrary<Erasure> = fc.record({
  id: fc.constant('e'),
  q: fc.constantFrom('reset', 'status:502', '', 'level:error'),
  range: fc.constantFrom({ fromMs: 0, toMs: 1e13 }, { fromMs: receivedMs + 3, toMs: receivedMs + 9 }),
  maxSeq: fc.nat({ max: 60 }),
  createdMs: fc.constantFrom(receivedMs + 5, receivedMs + 50),
})

interface World {
  store: MemoryObjects
  targets: ScanTarget[]
  /** What the targets show, by shard. */
  visible: { shard: number; row: StoredRow }[]
}

/** One to three shards with some sealed segments each, of rows that a view may or may not see. */
function anyWorld(anyContent: fc.Arbitrary<SealedRow['row']>): fc.Arbitrary<World> {
  const anyMs = fc.integer({ min: receivedMs - 1, max: receivedMs + 14 })
  const view = fc.record({
    range: fc.oneof(
      fc.constant({ fromMs: 0, toMs: 1e13 }),
      fc.tuple(anyMs, anyMs).map(([a, b]) => ({ fromMs: Math.min(a, b), toMs: Math.max(a, b) })),
    ),
    keepFromMs: fc.constantFrom(0, 0, receivedMs + 10, receivedMs + 20),
  })
  const shard = fc.record({
    rows: fc.array(
      fc.record({
        row: anyContent,
        createdMs: fc.constantFrom(receivedMs, receivedMs + 10, receivedMs + 20),
        updatedMs: fc.constantFrom(0, 0, receivedMs + 30),
        segment: fc.nat({ max: 2 }),
      }),
      { maxLength: 50 },
    ),
    blockRows: fc.constantFrom(1, 3, 1000),
    maxSeq: fc.constantFrom(2 ** 48 - 1, 20),
    hidden: fc.uniqueArray(fc.integer({ min: 1, max: 50 }), { maxLength: 5 }),
    erasures: fc.array(anyErasure, { maxLength: 1 }),
  })
  return fc.tuple(view, fc.array(shard, { minLength: 1, maxLength: 3 })).map(([{ range, keepFromMs }, shards]) => {
    const store = memoryObjects()
    const visible: World['visible'] = []
    const targets = shards.map(({ rows, blockRows, maxSeq, hidden, erasures }, number): ScanTarget => {
      const sealed = rows.map(({ row: content, createdMs, updatedMs, segment }, i) => ({
        segment,
        row: content,
        extra: { seq: i + 1, createdMs, updatedMs },
      }))
      const segments = [0, 1, 2].flatMap((segment) => {
        const own = sealed.filter((each) => each.segment === segment)
        return own.length === 0 ? [] : [sealRows(store, `shard ${number} segment ${segment}`, own, blockRows)]
      })
      const filters = erasures.map(({ q, ...erasure }) => ({ ...erasure, filter: parseQuery(q) }))
      const view: View = { range, maxSeq, keepFromMs, erasures: filters }
      for (const each of sealed.map(sealedAsStored)) {
        if (isVisible(each, view) && !hidden.includes(each.seq)) visible.push({ shard: number, row: each })
      }
      return { shard: number, segments, view, hidden: hidden.toSorted((a, b) => a - b) }
    })
    return { store, targets, visible }
  })
}

function isVisible(each: StoredRow, { range, maxSeq, keepFromMs, erasures }: View): boolean {
  if (each.timestampMs < range.fromMs || each.timestampMs >= range.toMs || each.seq > maxSeq || each.createdMs < keepFromMs) return false
  return !erasures.some(
    (erasure) =>
      each.seq <= erasure.maxSeq &&
      each.updatedMs <= erasure.createdMs &&
      each.timestampMs >= erasure.range.fromMs &&
      each.timestampMs < erasure.range.toMs &&
      matchesNaively(erasure.filter, each),
  )
}

const anyText = fc.constantFrom(
  '',
  'reset',
  '-reset',
  'level:error',
  'level:error OR timeout',
  'status:502',
  'status:* -message:*',
  '-status:* source:api',
  'timestamp:>2026-11-22T07:30:00.003Z',
  'created_at:>2026-11-22T07:30:00.000Z res*',
  'zebra',
)

async function aggregate<O extends AggregateOperation>({ store, targets }: World, q: string, operation: O): Promise<ResultOf<O>> {
  const scan = await scanSegments(targets, parseQuery(q), operation, { budgetBytes: Infinity, reader: readerOf(store) })
  expect(scan).toMatchObject({ budgetEnded: false, damaged: [], missing: [] })
  return scan.result
}

/** All pages of a search, of the given limits and budgets in turn. */
async function pages({ store, targets }: World, q: string, order: Order, limits: readonly number[], budgets: readonly number[]) {
  const reader = readerOf(store)
  const found: World['visible'] = []
  let after: Position | undefined
  for (let page = 0; ; page++) {
    const limit = limits[page % limits.length]!
    const budgetBytes = budgets[page % budgets.length]!
    const scan = await searchSegments(targets, parseQuery(q), { order, limit, after }, { budgetBytes, reader })
    expect(scan).toMatchObject({ damaged: [], missing: [] })
    const { rows, frontier } = scan.result
    expect(rows.length).toBeLessThanOrEqual(limit)
    found.push(...rows)
    if (frontier === null) return found
    expect(after === undefined ? -1 : compareInOrder(order, after, frontier)).toBeLessThan(0)
    after = frontier
  }
}

const inOrder = (rows: World['visible'], order: Order) =>
  rows.toSorted((a, b) => compareInOrder(order, positionOf(a.row, a.shard), positionOf(b.row, b.shard)))

test('pages of any size and budget hold each visible, matching row once, in order', async () => {
  const limits = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 3 })
  const budgets = fc.array(fc.constantFrom(0, 1, 300, 20_000, Infinity), { minLength: 1, maxLength: 3 })
  await fc.assert(
    fc.asyncProperty(
      anyWorld(crowdedRow),
      anyText,
      fc.constantFrom<Order>('newest', 'oldest'),
      limits,
      budgets,
      async (world, q, order, pageLimits, pageBudgets) => {
        const filter = parseQuery(q)
        const expected = inOrder(
          world.visible.filter((each) => matchesNaively(filter, each.row)),
          order,
        )
        expect(await pages(world, q, order, pageLimits, pageBudgets)).toEqual(expected)
      },
    ),
    { numRuns: runs(150) },
  )
})

test('count, histogram and facets are those of the naive evaluator', async () => {
  await fc.assert(
    fc.asyncProperty(anyWorld(crowdedRow), anyText, fc.constantFrom(1, 5, 1000), async (world, q, bucketMs) => {
      const filter = parseQuery(q)
      const rows = world.visible.map((each) => each.row).filter((each) => matchesNaively(filter, each))
      expect(await aggregate(world, q, { kind: 'count' })).toEqual({ count: rows.length })
      const buckets = Map.groupBy(rows, ({ timestampMs }) => timestampMs - (timestampMs % bucketMs))
      expect((await aggregate(world, q, { kind: 'histogram', bucketMs })).buckets).toEqual(
        Array.from(buckets, ([startMs, own]) => ({
          startMs,
          counts: severities.map((_, severity) => own.filter((each) => each.severity === severity).length),
        })).sort((a, b) => a.startMs - b.startMs),
      )
      const { facets } = await aggregate(world, q, { kind: 'facets', fields: ['source'], limit: 5 })
      const counts = Map.groupBy(rows, ({ source }) => source)
      counts.delete('')
      expect(new Map(facets[0]?.values.map(({ value, count }) => [value, count]))).toEqual(
        new Map(Array.from(counts, ([source, own]) => [source, own.length])),
      )
    }),
    { numRuns: runs(150) },
  )
})

test('any query over any rows finds what the naive evaluator finds, reading no column that was not fetched', async () => {
  const worldAndQuery = anyWorld(anyRow).chain((world) => {
    const rows = world.visible.map((each) => {
      const { attributes, ...rest } = each.row
      return { ...rest, names: Object.keys(attributes), values: Object.values(attributes) }
    })
    return fc.tuple(fc.constant(world), rows.length === 0 ? anyText : anyQuery(rows))
  })
  await fc.assert(
    fc.asyncProperty(worldAndQuery, async ([world, q]) => {
      const filter = parseQuery(q)
      const expected = world.visible.filter((each) => matchesNaively(filter, each.row))
      expect(await pages(world, q, 'oldest', [1000], [Infinity])).toEqual(inOrder(expected, 'oldest'))
      expect(await aggregate(world, q, { kind: 'count' })).toEqual({ count: expected.length })
    }),
    { numRuns: runs(100) },
  )
})
