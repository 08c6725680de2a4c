import { expect, test } from 'vitest'
import { shardBlocksMax } from '../../../src/core/limits.ts'
import { createBlockBuilder } from '../../../src/engine/block/writer.ts'
import { createShardCore } from '../../../src/objects/log-shard/core.ts'
import type { AppendRequest } from '../../../src/objects/log-shard/protocol.ts'
import { nodeSql } from './node_sql.ts'

const identity = { organizationId: 'org', region: 'weur', shard: 0 }
const range = { fromMs: 0, toMs: 1e13 }
const startMs = Date.parse('2026-11-22T07:00:00Z')

function batch(rows: number, key?: string): AppendRequest {
  const builder = createBlockBuilder(startMs)
  for (let i = 0; i < rows; i++)
    builder.add({ timestampMs: startMs, timestampNs: 0, severity: 2, source: 'api', message: 'm', names: [], values: [] })
  const idempotency = key === undefined ? undefined : { keyHash: key.padEnd(64, '0'), bodyHash: 'body', rejected: 0 }
  return { identity, blocks: builder.finish(), idempotency }
}

test('a shard with as many blocks as it may have wakes, answers and replays, and stores nothing more', () => {
  const sql = nodeSql()
  const open = () =>
    createShardCore({
      sql,
      now: () => startMs,
      deliver: async () => ({ watching: false }),
      wait: async () => undefined,
      log: () => undefined,
    })
  open().append(batch(3, 'aa'))
  // Copies of the first block but for one row and a millisecond more each: what a producer of tiny batches leaves.
  sql.all(
    `WITH RECURSIVE n(i) AS (SELECT 4 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
      INSERT INTO blocks SELECT i, 1, min_ms + i, max_ms + i, '[0,0,1,0,0,0]', bytes, created_ms, NULL, NULL, NULL, NULL, head, body
        FROM n, blocks WHERE first_seq = 1`,
    shardBlocksMax + 1,
  )
  const core = open()
  const scope = { identity, q: '', range, budgetBytes: 2 ** 28 }
  const lastSeq = shardBlocksMax + 1
  expect(core.count(scope)).toMatchObject({ count: lastSeq, maxSeq: lastSeq })
  expect(core.count({ ...scope, range: { fromMs: startMs + 10, toMs: startMs + 20 } })).toMatchObject({
    count: 10,
    cost: { blocksConsidered: 10 },
  })
  expect(core.extent(identity).extent).toEqual({ minMs: startMs, maxMs: startMs + lastSeq })
  expect(core.append(batch(1))).toMatchObject({ status: 'stored', firstSeq: lastSeq + 1 })
  expect(core.append(batch(1))).toEqual({ status: 'shard_full' })
  expect(core.append(batch(3, 'aa'))).toMatchObject({ status: 'replayed', firstSeq: 1, accepted: 3 })
  expect(core.ping()).toEqual({ lastSeq: lastSeq + 1 })
}, 30_000)
