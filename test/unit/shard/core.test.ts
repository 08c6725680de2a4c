import { describe, expect, test } from 'vitest'
import { idempotencyTtlMs, shardBatchBlocksMax, shardRowBytesMax, shardRpcBytesMax } from '../../../src/core/limits.ts'
import { allRows, openEncoded } from '../../support/rows.ts'
import { all, append, batch, count, identity, search, startMs, world } from './shard_world.ts'

describe('appending', () => {
  test('numbers rows from 1 without gaps, over restarts', () => {
    const { core, open } = world()
    expect(append(core, batch(['a', 'b']))).toMatchObject({ status: 'stored', firstSeq: 1, accepted: 2 })
    expect(append(open(), batch(['c']))).toMatchObject({ firstSeq: 3 })
    const rows = search(open()).rows
    expect(rows.map(({ seq, message }) => [seq, message])).toEqual([
      [1, 'a'],
      [2, 'b'],
      [3, 'c'],
    ])
  })

  test('writes one SQLite row for each block, and no other once the shard knows its name', () => {
    const { core, sql } = world()
    append(core, batch(['a']))
    const changes = () => Number(sql.all('SELECT total_changes() AS n')[0]?.['n'])
    const before = changes()
    append(core, batch(['b', 'c'], 'aa'))
    expect(changes() - before).toBe(1)
  })

  test('refuses batches of no block, and what one SQLite row or one message cannot hold', () => {
    const { core } = world()
    const [block] = batch(['a']).blocks
    if (!block) throw new Error('no block')
    const large = { ...block, body: new Uint8Array(shardRowBytesMax) }
    expect(() => append(core, { ...batch(['a']), identity, blocks: [large] })).toThrow(RangeError)
    const half = { ...block, body: new Uint8Array(shardRowBytesMax / 2) }
    const many = (count: number) => Array.from({ length: count }, () => half)
    expect(() => append(core, { ...batch(['a']), identity, blocks: [] })).toThrow(RangeError)
    expect(() => append(core, { ...batch(['a']), identity, blocks: many(Math.ceil(shardRpcBytesMax / half.body.length)) })).toThrow(
      RangeError,
    )
    expect(() => append(core, { ...batch(['a']), identity, blocks: Array.from({ length: shardBatchBlocksMax + 1 }, () => block) })).toThrow(
      RangeError,
    )
    expect(core.ping()).toEqual({ lastSeq: 0 })
  })

  test('refuses a caller that takes it for another shard', () => {
    const { core, open } = world()
    append(core, batch(['a']))
    for (const other of [{ organizationId: 'other' }, { region: 'apac' }, { shard: 1 }]) {
      const stranger = { ...identity, ...other }
      expect(() => append(open(), { ...batch(['b']), identity: stranger })).toThrow(/this shard is/)
      expect(() => open().query({ ...all, identity: stranger, operation: { kind: 'count' } })).toThrow(/this shard is/)
      expect(() => open().getRow(stranger, 1)).toThrow(/this shard is/)
    }
  })
})

describe('an idempotency key', () => {
  test('stores once and answers the same counts, also after a restart', () => {
    const { core, clock, open } = world()
    clock.nowMs += 5
    append(core, batch(['a', 'b'], 'aa'))
    const replay = { status: 'replayed', firstSeq: 1, accepted: 2, rejected: 1, createdMs: startMs }
    clock.nowMs += 1000
    expect(append(core, batch(['a', 'b'], 'aa'))).toEqual(replay)
    expect(append(open(), batch(['a', 'b'], 'aa'))).toEqual(replay)
    expect(count(core)).toBe(2)
  })

  test('is known also when the block of its batch is damaged', () => {
    const { core, sql, open } = world()
    append(core, batch(['a'], 'aa'))
    sql.all(`UPDATE blocks_1 SET head = x'00'`)
    expect(append(open(), batch(['a'], 'aa'))).toMatchObject({ status: 'replayed', accepted: 1, createdMs: startMs })
  })

  test('is refused for another body', () => {
    const { core } = world()
    append(core, batch(['a'], 'aa'))
    expect(append(core, batch(['b'], 'aa', 'other'))).toEqual({ status: 'key_reused' })
    expect(core.ping()).toEqual({ lastSeq: 1 })
  })

  test('is told apart from another one with the same first 48 bits', () => {
    const { core } = world()
    append(core, batch(['a'], 'aaaaaaaaaaaa1'))
    expect(append(core, batch(['b'], 'aaaaaaaaaaaa2'))).toMatchObject({ status: 'stored', firstSeq: 2 })
  })

  test('is forgotten after 24 hours and not before', () => {
    const { core, clock, open } = world()
    append(core, batch(['a'], 'aa'))
    clock.nowMs += idempotencyTtlMs - 1
    expect(append(open(), batch(['a'], 'aa'))).toMatchObject({ status: 'replayed' })
    clock.nowMs += 1
    expect(append(core, batch(['a'], 'aa'))).toMatchObject({ status: 'stored', firstSeq: 2 })
  })

  test('does not count when its batch could not be stored', () => {
    const { core, sql } = world()
    append(core, batch(['a']))
    sql.failAfter(0)
    expect(() => append(core, batch(['b'], 'aa'))).toThrow('the disk failed')
    expect(append(core, batch(['b'], 'aa'))).toMatchObject({ status: 'stored', firstSeq: 2 })
  })
})

describe('a damaged block', () => {
  test.each(['head', 'body'])('is reported by its number, whatever bit of its %s is wrong, and never guessed at', (column) => {
    const { core, sql, open, lines } = world()
    append(core, batch(['sound']))
    append(core, batch(['broken one', 'broken two']))
    const bytes = sql.all(`SELECT ${column} FROM blocks_1 WHERE first_seq = 2`)[0]?.[column]
    if (!(bytes instanceof Uint8Array)) throw new Error('no bytes')
    for (let i = 0; i < bytes.length; i += 7) {
      const damaged = bytes.slice()
      damaged[i] = (damaged[i] ?? 0) ^ 0x10
      sql.all(`UPDATE blocks_1 SET ${column} = ? WHERE first_seq = 2`, damaged)
      const fresh = open()
      const { rows, damaged: parts } = search(fresh)
      expect(
        rows.map(({ seq }) => seq),
        `byte ${i}`,
      ).toEqual([1])
      expect(parts).toEqual([{ segment: 'block 2', reason: expect.stringContaining('damaged block') as unknown }])
      expect(fresh.getRow(identity, 3)).toEqual({ damaged: expect.stringContaining('block 2') as unknown })
      expect(fresh.getRow(identity, 1)).toMatchObject({ row: { message: 'sound' } })
    }
    expect(lines[0]).toMatchObject({
      level: 'error',
      message: 'damaged block',
      attributes: { organizationId: 'org', operation: 'search', segment: 'block 2' },
    })
  })

  test('does not stop the shard from taking logs', () => {
    const { core, sql, open } = world()
    append(core, batch(['a']))
    sql.all(`UPDATE blocks_1 SET body = x'00'`)
    expect(append(open(), batch(['b']))).toMatchObject({ status: 'stored', firstSeq: 2 })
  })
})

describe('a restarted shard', () => {
  test('knows who it is before anybody asks it anything', () => {
    const { core, open } = world()
    expect(core.self()).toBeUndefined()
    append(core, batch(['a']))
    expect(open().self()).toEqual(identity)
  })

  test('brings its newest block to a tail that watches, and nothing once none does', async () => {
    const { core, open, delivered } = world()
    append(core, batch(['a', 'b']))
    append(core, batch(['c', 'd']))
    await open().deliverTail()
    expect(delivered).toEqual([[3, 2]])
    await open().deliverTail()
    expect(delivered).toHaveLength(1)
  })
})

describe('a tail that resumes', () => {
  test('sees no deleted row, and no text that was edited away', async () => {
    const { core } = world()
    append(core, batch(['first', 'secret one', 'secret two', 'last']))
    core.deleteRow(identity, 2)
    core.changeRow(identity, 3, { message: 'edited' })
    const { blocks, lastSeq } = await core.blocksAfter(identity, 0, 1e6, 0)
    expect(lastSeq).toBe(4)
    expect(blocks.map(({ hidden }) => hidden)).toEqual([[2]])
    const rows = blocks.flatMap((block) => allRows(openEncoded(block)))
    expect(rows.map(({ seq, message }) => [seq, message])).toEqual([
      [1, 'first'],
      [2, ''],
      [3, 'edited'],
      [4, 'last'],
    ])
    expect((await core.blocksAfter(identity, 4, 1e6, 0)).blocks).toEqual([])
  })

  test('gets a damaged block as it is, with the patched rows hidden, and what follows it', async () => {
    const { core, sql, open } = world()
    append(core, batch(['secret', 'other']))
    append(core, batch(['after']))
    core.deleteRow(identity, 1)
    sql.all(`UPDATE blocks_1 SET body = x'00' WHERE first_seq = 1`)
    const { blocks } = await open().blocksAfter(identity, 0, 1e6, 0)
    expect(blocks.map(({ meta, hidden }) => [meta.firstSeq, hidden])).toEqual([
      [1, [1]],
      [3, undefined],
    ])
  })
})

describe('an answer', () => {
  test('that would not fit one message is cut, and its frontier says where to go on', () => {
    const { core } = world()
    const message = Array.from({ length: 20_000 }, (_, i) => `word${i}`).join(' ')
    for (let i = 0; i < 60; i++) append(core, batch([`${i} ${message}`]))
    const first = search(core)
    expect(first.rows.length).toBeLessThan(60)
    const rest = search(core, { operation: { kind: 'search', order: 'oldest', limit: 100, after: first.frontier ?? undefined } })
    expect([...first.rows, ...rest.rows].map(({ seq }) => seq)).toEqual(Array.from({ length: 60 }, (_, i) => i + 1))
  })

  test('tells the smallest and greatest time of the shard', () => {
    const { core } = world()
    expect(core.extent(identity).extent).toBeNull()
    append(core, batch(['a']))
    core.changeRow(identity, 1, { timestampMs: startMs - 1000 })
    expect(core.extent(identity).extent).toEqual({ minMs: startMs - 1000, maxMs: startMs })
  })
})
