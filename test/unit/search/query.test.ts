import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseQuery } from '../../../src/engine/query/parser.ts'
import { compareInOrder, positionOf } from '../../../src/engine/query/position.ts'
import type { Order, Position } from '../../../src/engine/query/types.ts'
import type { StoredRow } from '../../../src/engine/row.ts'
import { runScan } from '../../../src/engine/segment/scan_call.ts'
import { createSegmentCaches, createSegmentReader } from '../../../src/engine/segment/scan_reader.ts'
import type { LogShardRpc, QueryCall, QueryReply } from '../../../src/objects/log-shard/protocol.ts'
import { aggregateLogs } from '../../../src/search/aggregate.ts'
import { runExportPage } from '../../../src/search/export_page.ts'
import { readPage } from '../../../src/search/pages.ts'
import type { QueryDeps, ScanLimits } from '../../../src/search/query_deps.ts'
import type { Shard } from '../../../src/search/shards.ts'
import { runs } from '../../support/effort.ts'
import { matchesNaively } from '../../support/naive.ts'
import type { World } from '../shard/shard_world.ts'
import { append, batch, identity, range, row, startMs, visible, world } from '../shard/shard_world.ts'

const generous: ScanLimits = { inPlaceBytes: 2 ** 30, chunkBytes: 2 ** 30, chunkSegments: 64, fanOut: 3, bytesMax: 2 ** 40 }

function depsOf({ objects }: Pick<World, 'objects'>, limits: ScanLimits = generous) {
  const reader = () => createSegmentReader(objects, createSegmentCaches())
  let calls = 0
  const deps: QueryDeps = {
    limits,
    organizationId: 'org',
    keepFromMs: 0,
    now: () => startMs,
    endMs: Infinity,
    log: { add: () => {}, warn: () => {}, error: () => {} },
    reader,
    scanAway(call) {
      calls++
      return runScan(structuredClone(call), reader())
    },
    exportAway: (call) => runExportPage(structuredClone(call), reader()),
  }
  return { deps, calls: () => calls }
}

/** The shard as the Worker reaches it. */
function shardOf({ core }: Pick<World, 'core'>, over: Partial<LogShardRpc> = {}): Shard {
  const rpc = {
    query: async (call: QueryCall) => structuredClone(core.query(call)),
    segments: async (caller: Shard['identity']) => core.segments(caller),
    ...over,
  }
  return { identity, rpc: rpc as LogShardRpc }
}

const crowdedRow = fc
  .record({
    timestampMs: fc.integer({ min: startMs, max: startMs + 12 }),
    timestampNs: fc.constantFrom(0, 0, 7),
    severity: fc.constantFrom(2, 2, 4),
    source: fc.constantFrom('api', 'web'),
    message: fc.constantFrom('connection reset', 'Timeout', 'request completed'),
  })
  .map(({ message, ...more }) => row(message, more))

/** What happens to a shard before and between the pages of a listing. */
type Step =
  | { kind: 'append'; rows: ReturnType<typeof row>[] }
  | { kind: 'seal' }
  | { kind: 'edit'; seq: number }
  | { kind: 'delete'; seq: number }

const anyBatch = fc.array(crowdedRow, { minLength: 1, maxLength: 6 }).map((rows): Step => ({ kind: 'append', rows }))
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: anyBatch },
  { weight: 3, arbitrary: fc.constant<Step>({ kind: 'seal' }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('edit', 'delete'), seq: fc.integer({ min: 1, max: 20 }) }) },
)

async function take(here: World, step: Step): Promise<void> {
  const { core } = here
  if (step.kind === 'append') append(core, batch(step.rows))
  else if (step.kind === 'seal') await core.sealNow(identity)
  else {
    const old = visible(here, core).find(({ seq }) => seq === step.seq)
    if (old === undefined) return
    const sealed = core.getRow(identity, step.seq)
    const segment = 'status' in sealed ? (sealed.segments[0]?.key ?? '') : ''
    const given = segment === '' ? undefined : { segment, row: old }
    if (step.kind === 'delete') core.deleteRow(identity, step.seq, given)
    else core.changeRow(identity, step.seq, { message: 'edited Timeout' }, given)
  }
}

test('pages hold each matching row of the first moment once, in order, wherever rows move between them', async () => {
  const anyLimits = fc.record({
    inPlaceBytes: fc.constantFrom(0, 1, 20_000, 2 ** 30),
    chunkBytes: fc.constantFrom(1, 300, 2 ** 20),
    chunkSegments: fc.integer({ min: 1, max: 3 }),
    fanOut: fc.integer({ min: 1, max: 3 }),
    bytesMax: fc.constantFrom(1, 2 ** 30),
  })
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyStep, { minLength: 1, maxLength: 12 }),
      // Between the pages rows only arrive and are sealed: an edit may move a row behind or before a cursor.
      fc.array(fc.oneof(anyBatch, fc.constant<Step>({ kind: 'seal' })), { maxLength: 6 }),
      fc.constantFrom('', 'reset', 'level:error', '-timeout source:api', 'zebra'),
      fc.constantFrom<Order>('newest', 'oldest'),
      fc.integer({ min: 1, max: 9 }),
      anyLimits,
      async (before, between, q, order, limit, limits) => {
        const here = world()
        for (const step of before) await take(here, step)
        const { deps } = depsOf(here, limits)
        const shards = [shardOf(here)]
        const filter = parseQuery(q)
        const position = (each: StoredRow) => positionOf(each, 0)
        const expected = visible(here, here.core)
          .filter((each) => matchesNaively(filter, each))
          .sort((a, b) => compareInOrder(order, position(a), position(b)))
        const counted = await aggregateLogs(deps, shards, { q, range }, { kind: 'count' })
        expect(counted.result.count).toSatisfy((count: number) =>
          counted.budgetEnded ? count <= expected.length : count === expected.length,
        )

        const found: StoredRow[] = []
        let snapshot: ReadonlyMap<number, number> | undefined
        let after: Position | undefined
        for (let n = 0; ; n++) {
          const page = await readPage(deps, shards, { q, range, order, after, snapshot }, limit)
          expect(page.damaged).toEqual([])
          expect(page.rows.length).toBeLessThanOrEqual(limit)
          found.push(...page.rows.map((each) => each.row))
          if (page.next === null) break
          expect(after === undefined ? -1 : compareInOrder(order, after, page.next.after)).toBeLessThan(0)
          ;({ after, snapshot } = page.next)
          const step = between[n]
          if (step !== undefined) await take(here, step)
        }
        expect(found).toEqual(expected)
      },
    ),
    { numRuns: runs(60) },
  )
})

async function sealedWorld(): Promise<World> {
  const here = world()
  append(here.core, batch(['a', 'b']))
  await here.core.sealNow(identity)
  append(here.core, batch([row('c', { timestampMs: startMs + 1 })]))
  await here.core.sealNow(identity)
  append(here.core, batch([row('d', { timestampMs: startMs + 2 })]))
  return here
}

const listing = { q: '', range, order: 'oldest' } as const
const messages = (rows: readonly { row: StoredRow }[]) => rows.map((each) => each.row.message)

test('a segment that is lost is named, and the rest is answered', async () => {
  const here = await sealedWorld()
  const [key = ''] = here.objects.objects.keys()
  here.objects.objects.delete(key)
  const { deps } = depsOf(here)
  const damaged = [{ segment: key, reason: 'there is no such object' }]
  const page = await readPage(deps, [shardOf(here)], listing, 10)
  expect(page).toMatchObject({ damaged, next: null })
  expect(messages(page.rows)).toEqual(['c', 'd'])
  expect(await aggregateLogs(deps, [shardOf(here)], listing, { kind: 'facets', fields: ['source'], limit: 5 })).toMatchObject({
    damaged,
    result: { facets: [{ count: 2 }] },
  })
})

test('a segment that was merged into another while the query ran is looked for anew, of the same snapshot', async () => {
  const here = await sealedWorld()
  const { deps } = depsOf(here)
  const calls: (number | undefined)[] = []
  const shard = shardOf(here, {
    async query(call) {
      calls.push(call.maxSeq)
      const reply = here.core.query(call) as QueryReply
      const [first, ...others] = reply.segments
      return calls.length % 2 === 1 ? { ...reply, segments: [{ ...first!, key: 'org/org/weur/gone.seg' }, ...others] } : reply
    },
  })
  const page = await readPage(deps, [shard], listing, 10)
  expect(messages(page.rows)).toEqual(['a', 'b', 'c', 'd'])
  expect(page).toMatchObject({ damaged: [], next: null })
  const counted = await aggregateLogs(deps, [shard], { ...listing, q: 'source:api' }, { kind: 'count' })
  expect(counted).toMatchObject({ result: { count: 4 }, damaged: [] })
  expect(calls).toEqual([undefined, 4, undefined, 4])
})

test('large scans run in further invocations, a few at a time, and small ones in place', async () => {
  const here = await sealedWorld()
  const large = depsOf(here, { ...generous, inPlaceBytes: 0, chunkSegments: 1 })
  expect(await aggregateLogs(large.deps, [shardOf(here)], { ...listing, q: 'source:api' }, { kind: 'count' })).toMatchObject({
    result: { count: 4 },
    budgetEnded: false,
  })
  expect(large.calls()).toBe(2)
  const small = depsOf(here)
  await aggregateLogs(small.deps, [shardOf(here)], { ...listing, q: 'source:api' }, { kind: 'count' })
  expect(small.calls()).toBe(0)
})

test('a query that has scanned as much as one may is partial', async () => {
  const here = world()
  for (let segment = 0; segment < 2; segment++) {
    append(here.core, batch(Array.from({ length: 50 }, (_, i) => row(`message ${segment} ${i}`, { timestampMs: startMs + segment }))))
    await here.core.sealNow(identity)
  }
  const { deps } = depsOf(here, { ...generous, inPlaceBytes: 0, chunkSegments: 1, fanOut: 1, bytesMax: 1 })
  const counted = await aggregateLogs(deps, [shardOf(here)], { ...listing, q: 'message:~"m.s"' }, { kind: 'count' })
  expect(counted).toMatchObject({ result: { count: 50 }, budgetEnded: true })

  const late = { ...deps, limits: { ...deps.limits, bytesMax: 2 ** 40 }, now: () => 2, endMs: 1 }
  const none = await aggregateLogs(late, [shardOf(here)], { ...listing, q: 'message:~"m.s"' }, { kind: 'count' })
  expect(none).toMatchObject({ result: { count: 0 }, budgetEnded: true })
  const page = await readPage(late, [shardOf(here)], { ...listing, q: 'message:~"m.s"' }, 200)
  expect(page).toMatchObject({ budgetEnded: true })
  expect(page.rows).toHaveLength(50)
  const rest = await readPage(deps, [shardOf(here)], { ...listing, q: 'message:~"m.s"', ...page.next }, 200)
  expect(rest).toMatchObject({ next: null, budgetEnded: false })
  expect(rest.rows).toHaveLength(50)
})

test('a segment of another organization is refused, whoever names it', async () => {
  const here = await sealedWorld()
  const { deps } = depsOf(here)
  const stranger = readPage({ ...deps, organizationId: 'other' }, [shardOf(here)], listing, 10)
  await expect(stranger).rejects.toThrow(/is not of organization other/)
})
