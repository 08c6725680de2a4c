import { expect, test } from 'vitest'
import { blockMemoryBytes } from '../../../src/engine/block/block_memory.ts'
import { scanAheadBytes } from '../../../src/core/limits.ts'
import { parseQuery } from '../../../src/engine/query/parser.ts'
import { scanSegments } from '../../../src/engine/segment/scan.ts'
import { sealedBlocks } from '../../../src/engine/segment/scan_blocks.ts'
import { searchSegments } from '../../../src/engine/segment/scan_rows.ts'
import { createScanRun } from '../../../src/engine/segment/scan_run.ts'
import type { ScanTarget } from '../../../src/engine/segment/scan_types.ts'
import { receivedMs, row } from '../../support/rows.ts'
import { memoryObjects, readerOf, sealRows } from '../../support/scans.ts'

const range = { fromMs: 0, toMs: 1e13 }
const view = { range, maxSeq: 2 ** 48 - 1, keepFromMs: 0, erasures: [] }
const startMs = Date.parse('2026-11-22T00:00:00Z')
const hourMs = 3_600_000

/** One row to a segment, an hour after each other. */
function manySegments(count: number, more: Parameters<typeof row>[0] = {}) {
  const store = memoryObjects()
  const segments = Array.from({ length: count }, (_, n) => {
    const only = row({ message: `row ${n}`, timestampMs: startMs + n * hourMs, ...more })
    return sealRows(store, `segment ${n}`, [{ row: only, extra: { seq: n + 1, createdMs: receivedMs, updatedMs: 0 } }], 1)
  })
  const target: ScanTarget = { shard: 0, segments, view, hidden: [] }
  return { store, target }
}

/** A row with as many attributes as a record may have, all of them constants of its block. */
const wide = { attributes: Object.fromEntries(Array.from({ length: 256 }, (_, i) => [`a${i}`, true])) }

test('a search ends with its budget between segments that nothing matches, and says how far it came', async () => {
  const { store, target } = manySegments(40)
  const budgetBytes = 20 * blockMemoryBytes(8, 0, 0)
  const options = { order: 'oldest', limit: 10 } as const
  const filter = parseQuery('-message:*')
  const found = await searchSegments([target], filter, options, { budgetBytes, reader: readerOf(store) })
  expect(found).toMatchObject({ budgetEnded: true, result: { rows: [] } })
  expect(found.cost.objectReads).toBeLessThan(40)
  const frontier = found.result.frontier!
  const on = await searchSegments(
    [target],
    parseQuery(''),
    { ...options, limit: 100, after: frontier },
    { budgetBytes: Infinity, reader: readerOf(store) },
  )
  const all = await searchSegments([target], parseQuery(''), { ...options, limit: 100 }, { budgetBytes: Infinity, reader: readerOf(store) })
  expect(on.result.rows.length).toBeGreaterThan(0)
  expect(all.result.rows.slice(-on.result.rows.length)).toEqual(on.result.rows)
})

test('following frontiers arrives, however small the budget', async () => {
  const { store, target } = manySegments(12)
  let after: Awaited<ReturnType<typeof searchSegments>>['result']['frontier'] = null
  const found: number[] = []
  for (let pages = 0; pages < 100; pages++) {
    const options = { order: 'newest', limit: 2, ...(after !== null && { after }) } as const
    const page = await searchSegments([target], parseQuery('row'), options, { budgetBytes: 1, reader: readerOf(store) })
    found.push(...page.result.rows.map(({ row: { seq } }) => seq))
    after = page.result.frontier
    if (after === null) break
  }
  expect(found).toEqual(Array.from({ length: 12 }, (_, n) => 12 - n))
})

test('a count ends with its budget though no block has a page to read', async () => {
  const { store, target } = manySegments(40, wide)
  const budgetBytes = 10 * blockMemoryBytes(264, 0, 0)
  const scan = await scanSegments([target], parseQuery('nowhere'), { kind: 'count' }, { budgetBytes, reader: readerOf(store) })
  expect(scan).toMatchObject({ budgetEnded: true, result: { count: 0 } })
  expect(scan.cost.objectReads).toBeLessThan(40)
})

test('a block of many columns and next to no bytes weighs what its columns take while it waits', async () => {
  const { store, target } = manySegments(1, wide)
  const filter = parseQuery('')
  const run = createScanRun(filter, Infinity, readerOf(store))
  for await (const { waitingBytes, memoryBytes } of sealedBlocks(run, [target], { filter, order: 'oldest', range, isOver: () => false })) {
    expect(waitingBytes).toBeGreaterThan(256 * 1024)
    expect(waitingBytes).toBeLessThan(scanAheadBytes)
    expect(memoryBytes).toBeGreaterThan(waitingBytes / 2)
  }
})
