import { createHash } from 'node:crypto'
import { expect } from 'vitest'
import { openBlock } from '../../src/engine/block/reader.ts'
import type { EncodedBlock } from '../../src/engine/block/types.ts'
import { createBlockBuilder } from '../../src/engine/block/writer.ts'
import type { Position } from '../../src/engine/query/types.ts'
import type { AttributeValue, StoredRow } from '../../src/engine/row.ts'
import type { ShardCore } from '../../src/objects/log-shard/core.ts'
import { createShardCore } from '../../src/objects/log-shard/core.ts'
import type { AppendRequest, Unanswered, RowChange } from '../../src/objects/log-shard/protocol.ts'
import { nodeSql } from '../unit/shard/node_sql.ts'
import { createOracle, randomQuery, sources, words } from './oracle.ts'
import type { Random } from './random.ts'
import { createRandom } from './random.ts'

const identity = { organizationId: 'org', region: 'weur', shard: 3 }
const startMs = Date.parse('2026-11-22T00:00:00Z')
const everything = { fromMs: 0, toMs: 1e13 }
const dayMs = 86_400_000

type Content = Omit<StoredRow, 'seq' | 'createdMs' | 'updatedMs'>
type Oracle = ReturnType<typeof createOracle>

interface World {
  random: Random
  oracle: Oracle
  sql: ReturnType<typeof nodeSql>
  core: ShardCore
  nowMs: number
  keyed: { request: AppendRequest; firstSeq: number; accepted: number; atMs: number }[]
  done: { operations: number; rows: number; queries: number; kills: number; failures: number }
}

/** Runs one schedule of operations against the shard and the oracle; throws where they differ. */
export async function runSchedule(seed: number): Promise<World['done']> {
  const random = createRandom(seed)
  const sql = nodeSql()
  const world: World = {
    random,
    oracle: createOracle(identity.shard),
    sql,
    core: undefined as never,
    nowMs: startMs,
    keyed: [],
    done: { operations: 0, rows: 0, queries: 0, kills: 0, failures: 0 },
  }
  restart(world)
  const operations = [
    append,
    append,
    append,
    append,
    retry,
    reuseKey,
    failingAppend,
    kill,
    change,
    change,
    remove,
    query,
    query,
    query,
    readOne,
    tail,
    wait,
  ]
  const steps = 10 + random.below(30)
  for (let step = 0; step < steps; step++) {
    random.pick(operations)(world)
    world.done.operations++
  }
  query(world)
  tail(world)
  return world.done
}

/** A kill: what the core held in memory is gone, what it wrote is there. */
function restart(world: World): void {
  world.core = createShardCore({
    sql: world.sql,
    now: () => world.nowMs,
    deliver: async () => ({ watching: false }),
    wait: async () => undefined,
    log: (level, message, attributes) => {
      throw new Error(`${level}: ${message} ${JSON.stringify(attributes)}`)
    },
  })
}

function kill(world: World): void {
  restart(world)
  world.done.kills++
}

function wait(world: World): void {
  world.nowMs += world.random.pick([1, 1000, 3_600_000, dayMs])
}

function append(world: World): void {
  const { request, rows } = randomBatch(world)
  const firstSeq = world.oracle.lastSeq() + 1
  expect(world.core.append(request)).toEqual({
    status: 'stored',
    firstSeq,
    accepted: rows.length,
    rejected: request.idempotency?.rejected ?? 0,
  })
  world.oracle.append(rows, world.nowMs)
  world.done.rows += rows.length
  if (request.idempotency) world.keyed.push({ request, firstSeq, accepted: rows.length, atMs: world.nowMs })
}

/** The producer did not see the answer and sends the same batch again. */
function retry(world: World): void {
  const earlier = world.keyed.at(-1 - world.random.below(3))
  if (earlier === undefined || world.nowMs - earlier.atMs >= dayMs) return
  const { firstSeq, accepted, atMs: createdMs } = earlier
  const rejected = earlier.request.idempotency?.rejected ?? 0
  for (let i = 0; i < 2; i++)
    expect(world.core.append(earlier.request)).toEqual({ status: 'replayed', firstSeq, accepted, rejected, createdMs })
}

function reuseKey(world: World): void {
  const earlier = world.keyed.at(-1)
  if (earlier?.request.idempotency === undefined || world.nowMs - earlier.atMs >= dayMs) return
  const { request } = randomBatch(world)
  expect(world.core.append({ ...request, idempotency: { ...earlier.request.idempotency, bodyHash: 'other' } })).toEqual({
    status: 'key_reused',
  })
}

/** The disk fails somewhere in the batch, and the object dies of it: nothing of the batch may be there. */
function failingAppend(world: World): void {
  const { request } = randomBatch(world)
  world.sql.failAfter(world.random.below(request.blocks.length))
  expect(() => world.core.append(request)).toThrow('the disk failed')
  if (world.random.chance(0.5)) restart(world)
  world.done.failures++
}

function change(world: World): void {
  const { random, oracle, core } = world
  const seq = random.below(oracle.lastSeq() + 3)
  const replace = random.chance(0.3)
  const fresh = randomContent(world)
  const entries: [string, AttributeValue | null][] = Object.entries(fresh.attributes)
  if (random.chance(0.3)) entries.push(['note', null])
  const changed: RowChange = { ...(replace ? fresh : {}), message: fresh.message, attributes: { replace, entries } }
  if (random.chance(0.3)) changed.severity = fresh.severity
  const exists = oracle.get(seq) !== null
  const reply = core.changeRow(identity, seq, changed)
  if (!exists) {
    expect(reply).toEqual({ status: 'missing' })
    return
  }
  oracle.change(seq, changed, world.nowMs)
  expect(reply).toEqual({ status: 'changed', row: oracle.get(seq) })
}

function remove(world: World): void {
  const seq = world.random.below(world.oracle.lastSeq() + 3)
  const exists = world.oracle.get(seq) !== null
  expect(world.core.deleteRow(identity, seq)).toEqual({ status: exists ? 'deleted' : 'missing' })
  if (exists) world.oracle.remove(seq)
}

function readOne(world: World): void {
  const seq = world.random.below(world.oracle.lastSeq() + 3)
  expect(answer(world.core.getRow(identity, seq)).row).toEqual(world.oracle.get(seq))
}

/** One query as pages, count, histogram and facets, with rows arriving between the pages. */
function query(world: World): void {
  const { random, oracle, core } = world
  const asked = randomQuery(random)
  const from = startMs + random.below(dayMs)
  const range = random.chance(0.5) ? everything : { fromMs: from, toMs: from + random.below(dayMs) }
  const order = random.pick(['newest', 'oldest'] as const)
  const budgetBytes = random.pick([1, 5000, 2 ** 28, 2 ** 28])
  const call = { identity, q: asked.q, range, order, limit: random.pick([1 + random.below(20), 30, 1000]), budgetBytes }
  const maxSeq = oracle.lastSeq()
  const expected = oracle.search(asked, range, maxSeq, order, undefined)
  const found: StoredRow[] = []
  let after: Position | undefined
  for (let pages = 0; ; pages++) {
    if (pages > 2000) throw new Error('paging does not end')
    const page = answer(core.search({ ...call, after, ...(pages > 0 && { maxSeq }) }))
    expect(page.maxSeq).toBe(maxSeq)
    expect(page.rows.length).toBeLessThanOrEqual(call.limit)
    found.push(...page.rows)
    if (page.frontier === null) break
    after = page.frontier
    if (random.chance(0.1)) append(world)
    if (random.chance(0.05)) kill(world)
  }
  expect(found, `${asked.q} ${order}`).toEqual(expected)
  const scope = { identity, q: asked.q, range, maxSeq, budgetBytes: 2 ** 28 }
  expect(answer(core.count(scope))).toMatchObject({ count: expected.length, budgetEnded: false })
  const bucketMs = random.pick([1000, 60_000, 7_200_000])
  const buckets = answer(core.histogram({ ...scope, bucketMs })).buckets
  expect(new Map(buckets.map(({ startMs, counts }) => [startMs, counts]))).toEqual(oracle.histogram(asked, range, maxSeq, bucketMs))
  const facet = answer(core.facets({ ...scope, fields: ['source'], limit: 10 })).facets[0]
  const counts = Map.groupBy(expected, (row) => row.source)
  expect(new Map(facet?.values.map(({ value, count }) => [value, count]))).toEqual(
    new Map([...counts].map(([source, rows]) => [source, rows.length])),
  )
  world.done.queries++
}

/** A tail that resumes somewhere sees every row that is still there, as it is now, in order. */
function tail(world: World): void {
  const from = world.random.below(world.oracle.lastSeq() + 1)
  const seen: StoredRow[] = []
  let after = from
  for (;;) {
    const { blocks, lastSeq } = world.core.blocksAfter(identity, after, world.random.pick([1, 5000, 1e6]))
    expect(lastSeq).toBe(world.oracle.lastSeq())
    if (blocks.length === 0) break
    for (const { meta, head, body, hidden } of blocks) {
      expect(meta.firstSeq).toBeLessThanOrEqual(after + 1)
      const block = openBlock(meta, head, () => body, { bytesRead: 0, bytesDecompressed: 0, pagesRead: 0 })
      const rows = block.materialise(Array.from({ length: meta.rows }, (_, row) => row))
      seen.push(...rows.filter(({ seq }) => seq > after && !hidden?.includes(seq)))
      after = meta.firstSeq + meta.rows - 1
    }
  }
  const expected = world.oracle.visible({ q: '', matches: () => true }, everything, world.oracle.lastSeq()).filter(({ seq }) => seq > from)
  expect(seen).toEqual(expected)
}

function randomBatch(world: World): { request: AppendRequest; rows: Content[] } {
  const { random } = world
  const rows: Content[] = []
  const blocks: EncodedBlock[] = []
  for (let block = random.pick([1, 1, 1, 2, 3]); block > 0; block--) {
    const builder = createBlockBuilder(world.nowMs)
    for (let row = 1 + random.below(random.pick([3, 3, 20])); row > 0; row--) {
      const content = randomContent(world)
      rows.push(content)
      builder.add({ ...content, names: Object.keys(content.attributes), values: Object.values(content.attributes) })
    }
    blocks.push(...builder.finish())
  }
  const hash = () =>
    createHash('sha256')
      .update(String(random.below(2 ** 31)))
      .digest('hex')
  const idempotency = random.chance(0.5) ? { keyHash: hash(), bodyHash: hash(), rejected: random.below(3) } : undefined
  return { request: { identity, blocks, idempotency }, rows }
}

function randomContent({ random }: World): Content {
  const text = (length: number) => Array.from({ length }, () => random.pick(words)).join(' ')
  const attributes: Record<string, AttributeValue> = {}
  if (random.chance(0.6)) attributes['status'] = random.pick([200, 404, 500])
  if (random.chance(0.3)) attributes['note'] = text(2)
  if (random.chance(0.1)) attributes['big'] = 2n ** 60n + BigInt(random.below(1000))
  if (random.chance(0.1)) attributes['ok'] = random.chance(0.5)
  return {
    timestampMs: startMs + random.below(random.pick([10, 60_000, dayMs])),
    timestampNs: random.chance(0.2) ? random.below(1_000_000) : 0,
    severity: random.below(6),
    source: random.pick(sources),
    message: text(1 + random.below(4)),
    attributes,
  }
}

function answer<T extends object>(reply: T | Unanswered): T {
  if ('damaged' in reply) throw new Error(reply.damaged)
  if ('tooSlow' in reply) throw new Error(reply.tooSlow)
  return reply
}
