import { expect, test } from 'vitest'
import { shardBlocksMax } from '../../../src/core/limits.ts'
import { all, append, batch, count, identity, startMs, world } from './shard_world.ts'

test('a shard with as many blocks as it may have wakes, answers and replays, and stores nothing more', () => {
  const { core: first, sql, open } = world()
  append(first, batch(['a', 'b', 'c'], 'aa'))
  // Copies of the first block but for one row and a millisecond more each: what a producer of tiny batches leaves.
  sql.all(
    `WITH RECURSIVE n(i) AS (SELECT 4 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
      INSERT INTO blocks_1 SELECT i, 1, min_ms + i, max_ms + i, '[0,0,1,0,0,0]', bytes, created_ms, NULL, NULL, NULL, NULL, head, body, NULL
        FROM n, blocks_1 WHERE first_seq = 1`,
    shardBlocksMax + 1,
  )
  const core = open()
  const lastSeq = shardBlocksMax + 1
  expect(count(core)).toBe(lastSeq)
  const part = { fromMs: startMs + 10, toMs: startMs + 20 }
  expect(core.query({ ...all, range: part, operation: { kind: 'count' } })).toMatchObject({
    result: { count: 10 },
    cost: { blocksConsidered: 10 },
  })
  expect(core.extent(identity).extent).toEqual({ minMs: startMs, maxMs: startMs + lastSeq })
  expect(append(core, batch(['d']))).toMatchObject({ status: 'stored', firstSeq: lastSeq + 1 })
  expect(append(core, batch(['d']))).toMatchObject({ status: 'shard_full', detail: expect.stringContaining('fewer and larger') as unknown })
  expect(append(core, batch(['a', 'b', 'c'], 'aa'))).toMatchObject({ status: 'replayed', firstSeq: 1, accepted: 3 })
  expect(core.ping()).toEqual({ lastSeq: lastSeq + 1 })
})
