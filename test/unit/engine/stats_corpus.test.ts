import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { zstdDecompressSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { aggregateBlocks } from '../../../src/engine/query/aggregate_blocks.ts'
import { distinctError } from '../../../src/engine/query/hyperloglog.ts'
import { parseQuery } from '../../../src/engine/query/parser.ts'
import { answerPatterns } from '../../../src/engine/query/patterns.ts'
import { rowsOf } from '../../../src/engine/query/patterns_table.ts'
import { answerStats } from '../../../src/engine/query/stats_answer.ts'
import { parseStats } from '../../../src/engine/query/stats_parser.ts'
import type { EncodableRow } from '../../../src/engine/row.ts'
import { corpusRows, rowsOfLines } from '../../support/corpus.ts'
import { receivedMs, row } from '../../support/rows.ts'
import { scopeOf, testShard } from '../../support/shards.ts'

const folder = process.env['EDGELOG_CORPUS'] ?? fileURLToPath(new URL('../../../../shared/corpus/', import.meta.url).href)
const whole = (name: string) => zstdDecompressSync(readFileSync(`${folder}/${name}.zst`))

/** Rows as batches of a few thousand, as producers send them. */
function shardOf(rows: readonly EncodableRow[]) {
  const batches = Array.from({ length: Math.ceil(rows.length / 5000) }, (_, i) => rows.slice(i * 5000, (i + 1) * 5000))
  return testShard(0, batches)
}

/** One list for each group: its key and values. */
function statsOf(shard: ReturnType<typeof shardOf>, functions: string, by: string[] = [], q = '') {
  const plan = { functions: parseStats(functions), by, bucketMs: null }
  const { result } = aggregateBlocks(shard.sources, parseQuery(q), scopeOf(shard), { kind: 'stats', plan })
  return answerStats(plan, result, { function: 0, isDescending: true }, 100).groups.map(({ key, values }) => [...key, ...values])
}

test('the excerpt of the nginx log adds up', () => {
  const rows = corpusRows('nginx-access')
  const sum = rows.reduce((total, { names, values }) => total + Number(values[names.indexOf('body_bytes_sent')]), 0)
  expect(statsOf(shardOf(rows), 'sum(body_bytes_sent), count()')).toEqual([[sum, 2000]])
})

// The facts are those of the corpus' own README, counted there with other tools.
describe.runIf(existsSync(`${folder}/nginx-access.json.log.zst`))('the whole corpus', () => {
  test('of nginx gives the sums, maxima and groups that are known', () => {
    const shard = shardOf(rowsOfLines(whole('nginx-access.json.log')))
    expect(statsOf(shard, 'count(), sum(body_bytes_sent), max(request_time)')).toEqual([[60_282, 427_806_853, 5.003]])
    const methods = new Map(statsOf(shard, 'count()', ['request_method']).map(([method, count]) => [method, count]))
    expect([methods.get('GET'), methods.get('POST'), methods.get('')]).toEqual([56_057, 3620, 120])
    expect(statsOf(shard, 'count()', ['status'], 'status:502')).toEqual([['502', 1794]])
    const [[ids, clients]] = statsOf(shard, 'count_distinct(request_id), count_distinct(remote_addr)') as [[number, number]]
    expect(Math.abs(ids / 60_282 - 1)).toBeLessThan(3 * distinctError)
    expect(Math.abs(clients / 3482 - 1)).toBeLessThan(3 * distinctError)
  })

  test('of pino gives the counts by level, and request ids', () => {
    const shard = shardOf(rowsOfLines(whole('pino.json.log')))
    const levels = new Map(statsOf(shard, 'count()', ['level']).map(([level, count]) => [level, count]))
    expect(['TRACE', 'DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL'].map((level) => levels.get(level))).toEqual([
      331, 3469, 15_849, 1550, 2497, 307,
    ])
    const [[ids, longest]] = statsOf(shard, 'count_distinct(req.id), max(responseTime)') as [[number, number]]
    expect(longest).toBe(1069)
    expect(Math.abs(ids / 16_150 - 1)).toBeLessThan(3 * distinctError)
    expect(statsOf(shard, 'count()', ['err.type'], 'err.type:PaymentError')).toEqual([['PaymentError', 1886]])
  })

  test('of dpkg is folded by action, packages and versions left out', () => {
    const lines = whole('dpkg.log').toString('utf8').split('\n').filter(Boolean)
    const shard = shardOf(lines.map((message) => row({ timestampMs: receivedMs, message })))
    const plan = { fromMs: receivedMs, bucketMs: 1000 }
    const { result } = aggregateBlocks(shard.sources, parseQuery(''), scopeOf(shard), { kind: 'patterns', plan })
    const patterns = answerPatterns(result)
    expect(patterns.length).toBeLessThan(60)
    expect(patterns.slice(0, 4).map(({ text }) => text)).toEqual([
      '<time> status unpacked <*>:amd64 <num>',
      '<time> status half-configured <*>:amd64 <num>',
      '<time> status installed <*>:amd64 <num>',
      '<time> status half-installed <*>:amd64 <num>',
    ])
    const installed = patterns.filter(({ text }) => text.includes(' status installed '))
    expect(installed.reduce((sum, entry) => sum + rowsOf(entry), 0)).toBe(710)
    expect(patterns.reduce((sum, entry) => sum + rowsOf(entry), 0)).toBe(5009)
  })
})
