import fc from 'fast-check'
import { expect, test } from 'vitest'
import { aggregateBlocks } from '../../../src/engine/query/aggregate_blocks.ts'
import { combineScans, mergeAggregates } from '../../../src/engine/query/operations.ts'
import { parseQuery } from '../../../src/engine/query/parser.ts'
import { answerPatterns, mergePatterns } from '../../../src/engine/query/patterns.ts'
import { mergeStats } from '../../../src/engine/query/stats.ts'
import { answerStats } from '../../../src/engine/query/stats_answer.ts'
import { parseStats } from '../../../src/engine/query/stats_parser.ts'
import type { AggregateOperation, ResultOf } from '../../../src/engine/query/types.ts'
import { scanSegments } from '../../../src/engine/segment/scan.ts'
import type { EncodableRow } from '../../../src/engine/row.ts'
import { runs } from '../../support/effort.ts'
import { receivedMs, row } from '../../support/rows.ts'
import { memoryObjects, readerOf, sealRows } from '../../support/scans.ts'
import { scopeOf, testShard } from '../../support/shards.ts'

const everything = { fromMs: 0, toMs: 10 ** 13 }
const plan = {
  functions: parseStats('count(), count(d), sum(d), min(d), max(d), count_distinct(message), p90(d)'),
  by: ['source', 'level'],
  bucketMs: 4,
}
const patternPlan = { fromMs: receivedMs, bucketMs: 3 }

const anySmallRow = fc
  .record({
    timestampMs: fc.integer({ min: receivedMs, max: receivedMs + 12 }),
    severity: fc.constantFrom(2, 4),
    source: fc.constantFrom('api', 'web', ''),
    message: fc.oneof(
      fc.constantFrom('connection reset', ''),
      fc.nat({ max: 50 }).map((n) => `job ${n} done`),
    ),
    attributes: fc.oneof(fc.constant({}), fc.record({ d: fc.constantFrom(1, 2.5, -7, '8', true) })),
  })
  .map(row)

/** The rows as one sealed segment of several blocks, in order of time, so that sequence numbers stand in no order. */
async function scanSealed<O extends AggregateOperation>(rows: readonly EncodableRow[], operation: O, q: string): Promise<ResultOf<O>> {
  const store = memoryObjects()
  const sealed = rows.map((each, i) => ({ row: each, extra: { seq: i + 1, createdMs: receivedMs, updatedMs: 0 } }))
  const segments = sealed.length === 0 ? [] : [sealRows(store, 'key', sealed, 7)]
  const view = { range: everything, maxSeq: 2 ** 48 - 1, keepFromMs: 0, erasures: [] }
  const options = { budgetBytes: Infinity, reader: readerOf(store) }
  const { result } = await scanSegments([{ shard: 0, segments, view, hidden: [] }], parseQuery(q), operation, options)
  return structuredClone(result)
}

function scanHot<O extends AggregateOperation>(rows: readonly EncodableRow[], operation: O, q: string): ResultOf<O> {
  const shard = testShard(0, rows.length === 0 ? [] : [[...rows]])
  return aggregateBlocks(shard.sources, parseQuery(q), scopeOf(shard), operation).result
}

test('statistics and patterns are the same over sealed rows as over hot ones', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anySmallRow, { maxLength: 40 }), fc.constantFrom('', 'level:error', 'job', 'd:*'), async (rows, q) => {
      const stats = { kind: 'stats', plan } as const
      const [sealed, hot] = [await scanSealed(rows, stats, q), scanHot(rows, stats, q)]
      const order = { function: 0, isDescending: true }
      expect(answerStats(plan, mergeStats(plan, [sealed]), order, 100)).toEqual(answerStats(plan, hot, order, 100))

      const patterns = { kind: 'patterns', plan: patternPlan } as const
      const folded = answerPatterns(mergePatterns([await scanSealed(rows, patterns, q)]))
      expect(folded).toEqual(answerPatterns(mergePatterns([scanHot(rows, patterns, q)])))
    }),
    { numRuns: runs(100) },
  )
})

test('results that are merged as they come are those that are merged at the end', () => {
  const operations: AggregateOperation[] = [
    { kind: 'count' },
    { kind: 'histogram', bucketMs: 4 },
    { kind: 'facets', fields: ['message'], limit: 2 },
    { kind: 'stats', plan },
    { kind: 'fields' },
    { kind: 'patterns', plan: patternPlan },
  ]
  fc.assert(
    fc.property(
      fc.array(fc.array(anySmallRow, { minLength: 1, maxLength: 8 }), { maxLength: 5 }),
      fc.constantFrom(...operations),
      (parts, operation) => {
        const shards = parts.map((rows, i) => testShard(i, [rows]))
        const scans = shards.map((shard) => aggregateBlocks(shard.sources, parseQuery(''), scopeOf(shard), operation))
        const arrived: typeof scans = []
        for (const scan of structuredClone(scans)) {
          arrived.push(scan)
          combineScans(operation, arrived)
        }
        const [early, late] = [mergeAggregates(operation, arrived), mergeAggregates(operation, scans)]
        expect({ ...early, result: told(operation, early.result) }).toEqual({ ...late, result: told(operation, late.result) })
      },
    ),
    { numRuns: runs(150) },
  )
})

/** What of a result an answer tells: the state of a distinct count has its values in the order in which they came. */
function told(operation: AggregateOperation, result: ResultOf<AggregateOperation>): unknown {
  const order = { function: 0, isDescending: true }
  return operation.kind === 'stats' ? answerStats(operation.plan, result as ResultOf<typeof operation>, order, 100) : result
}
