import { aggregateBlocks } from '../../src/engine/query/aggregate_blocks.ts'
import { parseQuery } from '../../src/engine/query/parser.ts'
import { parseStats } from '../../src/engine/query/stats_parser.ts'
import type { AggregateOperation, BlockSource } from '../../src/engine/query/types.ts'
import { rowsOfLines } from '../support/corpus.ts'
import { openEncoded, encodeRows } from '../support/rows.ts'
import { type Figure, median, timed } from './figures.ts'
import { jsonLines } from './lines.ts'

const rounds = 5
const rows = 196_608

const statsOf = (functions: string, by: string[], bucketMs: number | null = null): AggregateOperation => {
  return { kind: 'stats', plan: { functions: parseStats(functions), by, bucketMs } }
}

const operations: { name: string; operation: AggregateOperation; target?: number }[] = [
  { name: 'sum of a field by source', operation: statsOf('sum(duration_ms)', ['source']), target: 10_000_000 },
  { name: 'p99 of a field by source', operation: statsOf('p99(duration_ms)', ['source']) },
  { name: 'count, avg, max by source and minute', operation: statsOf('count(), avg(duration_ms), max(duration_ms)', ['source'], 60_000) },
  { name: 'distinct request ids', operation: statsOf('count_distinct(request_id)', []) },
  { name: 'patterns of messages', operation: { kind: 'patterns', plan: { fromMs: 0, bucketMs: 1e13 } } },
]

/** Rows a second of the analytic operations over blocks of 65,536 rows: with their columns read anew, and again with columns in memory. */
export async function measureAnalytics(nowMs: number): Promise<Figure[]> {
  const lines = Buffer.from(jsonLines(rows, nowMs, 13).join('\n'))
  const blocks = encodeRows(rowsOfLines(lines))
  const figures: Figure[] = []
  for (const { name, operation, target } of operations) {
    const cold: number[] = []
    const warm: number[] = []
    for (let round = 0; round < rounds; round++) {
      // Kept open between the two runs, where a query would close them.
      const opened = blocks.map((block) => ({ ...openEncoded(block), release: () => undefined }))
      const sources = opened.map((block): BlockSource => ({ meta: block.meta, open: () => block }))
      cold.push(rows / (await timed(() => run(sources, operation))))
      warm.push(rows / (await timed(() => run(sources, operation))))
    }
    figures.push({ name: `${name}, columns read`, value: median(cold) * 1000, unit: 'rows/s' })
    figures.push({
      name: `${name}, columns in memory`,
      value: median(warm) * 1000,
      unit: 'rows/s',
      ...(target !== undefined && { target, higherIsBetter: true }),
    })
  }
  return figures
}

function run(sources: BlockSource[], operation: AggregateOperation): void {
  const range = { fromMs: 0, toMs: 1e13 }
  const { cost } = aggregateBlocks(
    sources,
    parseQuery(''),
    { shard: 0, range, maxSeq: Number.MAX_SAFE_INTEGER, keepFromMs: 0, erasures: [], budgetBytes: Infinity },
    operation,
  )
  if (cost.rowsMatched !== rows) throw new Error(`${cost.rowsMatched} rows of ${rows}`)
}
