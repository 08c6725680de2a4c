import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fieldNamesMax } from '../../../src/core/limits.ts'
import type { FieldTable } from '../../../src/engine/query/fields_present.ts'
import { createFields, mergeFields, queryNameOf } from '../../../src/engine/query/fields_present.ts'
import { resolveField } from '../../../src/engine/query/fields.ts'
import { aggregateBlocks } from '../../../src/engine/query/aggregate_blocks.ts'
import { mergeAggregates } from '../../../src/engine/query/operations.ts'
import { parseQuery } from '../../../src/engine/query/parser.ts'
import { scanSegments } from '../../../src/engine/segment/scan.ts'
import type { ScanTarget } from '../../../src/engine/segment/scan_types.ts'
import { bitmapFull } from '../../../src/engine/bitmap.ts'
import { runs } from '../../support/effort.ts'
import { matchesNaively } from '../../support/naive.ts'
import { accessRows, anyName, encodeRows, openEncoded, receivedMs, row } from '../../support/rows.ts'
import { memoryObjects, readerOf, sealRows } from '../../support/scans.ts'
import { anyShards, scopeOf, testShard } from '../../support/shards.ts'

const everything = { fromMs: 0, toMs: 10 ** 13 }

test('rows of each attribute are those of the naive evaluator', () => {
  const anyQuery = fc.constantFrom('', 'reset', 'level:error', '-status:* source:api', 'status:502', 'timestamp:>2026-11-22T07:30:00.003Z')
  fc.assert(
    fc.property(anyShards, anyQuery, (shards, q) => {
      const filter = parseQuery(q)
      const scans = shards.map((shard) => structuredClone(aggregateBlocks(shard.sources, filter, scopeOf(shard), { kind: 'fields' })))
      const { result, cost } = mergeAggregates({ kind: 'fields' }, scans)
      const rows = shards.flatMap((shard) => shard.rows.filter((each) => matchesNaively(filter, each)))
      const having = rows.filter(({ attributes }) => 'status' in attributes).length
      expect(result.fields.map(({ name, rows: count }) => [name, count])).toEqual(having > 0 ? [['status', having]] : [])
      expect(cost.rowsMatched).toBe(rows.length)
    }),
    { numRuns: runs(200) },
  )
})

test('types are what directories tell of the values', () => {
  const rows = [
    { a: 'x', b: 1, c: true, d: 2n ** 60n, e: 'x', f: true },
    { a: 'y', b: 2.5, c: false, d: 2n ** 61n, e: 1, f: 5 },
    { a: 'y', b: 2.5, c: false, d: 2n ** 62n, e: 1, f: 6 },
  ].map((attributes) => row({ attributes }))
  const [block] = encodeRows(rows)
  const fields = createFields()
  fields.add(openEncoded(block!), bitmapFull(3), 0)
  const types = fields.result().fields.map(({ name, blocks }) => [name, blocks.indexOf(1)])
  expect(types).toEqual([
    ['a', 0],
    ['b', 1],
    ['c', 2],
    ['d', 3],
    ['e', 0],
    ['f', 3],
  ])
})

test('of sealed logs only the lists of who has what are read, and nothing where all rows match', async () => {
  const rows = accessRows(4000).map((each, i) => ({
    ...each,
    names: i % 7 === 0 ? [...each.names, 'seventh'] : each.names,
    values: i % 7 === 0 ? [...each.values, `v${i}`] : each.values,
  }))
  const store = memoryObjects()
  const sealed = rows.map((each, i) => ({ row: each, extra: { seq: i + 1, createdMs: receivedMs, updatedMs: 0 } }))
  const segment = sealRows(store, 'k', sealed, 1000)
  const view = { range: everything, maxSeq: 2 ** 48 - 1, keepFromMs: 0, erasures: [] }
  const target: ScanTarget = { shard: 0, segments: [segment], view, hidden: [] }
  const scan = (q: string) => scanSegments([target], parseQuery(q), { kind: 'fields' }, { budgetBytes: Infinity, reader: readerOf(store) })
  const whole = await scan('')
  expect(whole.cost).toMatchObject({ blocksRead: 0, bytesDecompressed: 0 })
  expect(mergeFields([whole.result]).fields.find(({ name }) => name === 'seventh')).toMatchObject({ rows: 572, blocks: [4, 0, 0, 0] })

  const errors = sealed.filter(({ row: each }) => each.severity === 4)
  const some = await scan('level:error')
  const counts = new Map(some.result.fields.map((field) => [field.name, field.rows]))
  expect(counts.get('path')).toBe(errors.length)
  expect(counts.get('seventh')).toBe(errors.filter(({ row: each }) => each.names.includes('seventh')).length)
  expect(some.cost.bytesDecompressed).toBeLessThan(segment.rawBytes / 20)
})

test('of more names than fit the most frequent are kept, and that is said', () => {
  const rows = Array.from({ length: 2100 }, (_, i) => row({ attributes: { always: 1, [`n${i}`]: i } }))
  const { result } = aggregateBlocks(testShard(0, [rows]).sources, parseQuery(''), scopeOf(testShard(0, [])), { kind: 'fields' })
  const merged = mergeFields([result, result])
  expect(merged.isCut).toBe(true)
  expect(merged.fields.length).toBeLessThanOrEqual(2 * fieldNamesMax)
  expect(merged.fields[0]).toMatchObject({ name: 'always', rows: 4200 })
})

test('merging adds up and does not depend on order', () => {
  const table = (name: string, rows: number): FieldTable => ({ fields: [{ name, rows, blocks: [1, 0, 0, 0] }], isCut: false })
  const tables = [table('a', 5), table('b', 7), table('a', 4)]
  const merged = {
    fields: [
      { name: 'a', rows: 9, blocks: [2, 0, 0, 0] },
      { name: 'b', rows: 7, blocks: [1, 0, 0, 0] },
    ],
    isCut: false,
  }
  expect(mergeFields(tables)).toEqual(merged)
  expect(mergeFields(tables.toReversed())).toEqual(merged)
})

test('a name in the answer names that attribute in a query', () => {
  expect([queryNameOf('path'), queryNameOf('level'), queryNameOf('attributes.x')]).toEqual([
    'path',
    'attributes.level',
    'attributes.attributes.x',
  ])
  fc.assert(
    fc.property(anyName, (name) => {
      expect(resolveField(queryNameOf(name))).toEqual({ attribute: name })
    }),
  )
})
