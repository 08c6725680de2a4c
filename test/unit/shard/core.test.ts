import { describe, expect, test } from 'vitest'
import {
  idempotencyTtlMs,
  patchAttributeBytes,
  patchBytesPerShardMax,
  patchesPerShardMax,
  patchGroupRowsMax,
  recordBytesMax,
  shardBatchBlocksMax,
  shardRowBytesMax,
  shardRpcBytesMax,
} from '../../../src/core/limits.ts'
import { createBlockBuilder } from '../../../src/engine/block/writer.ts'
import type { EncodableRow } from '../../../src/engine/row.ts'
import { createShardCore } from '../../../src/objects/log-shard/core.ts'
import type { AppendRequest, Damaged } from '../../../src/objects/log-shard/protocol.ts'
import { allRows, openEncoded } from '../../support/rows.ts'
import { nodeSql } from './node_sql.ts'

const identity = { organizationId: 'org', region: 'weur', shard: 0 }
const range = { fromMs: 0, toMs: 1e13 }
const startMs = Date.parse('2026-11-22T07:00:00Z')
const all = { identity, q: '', range, order: 'oldest', limit: 100, budgetBytes: 2 ** 28 } as const

function world() {
  const sql = nodeSql()
  const lines: { level: string; message: string; attributes: Record<string, unknown> }[] = []
  const clock = { nowMs: startMs }
  /** First seq and rows of each block that LiveTail got. */
  const delivered: [number, number][] = []
  const open = () =>
    createShardCore({
      sql,
      now: () => clock.nowMs,
      async deliver(_, blocks) {
        delivered.push(...blocks.map(({ meta }): [number, number] => [meta.firstSeq, meta.rows]))
        return { watching: false }
      },
      wait: async () => undefined,
      log: (level, message, attributes) => void lines.push({ level, message, attributes }),
    })
  return { sql, lines, clock, delivered, open, core: open() }
}

function row(message: string, more: Partial<EncodableRow> = {}): EncodableRow {
  return { timestampMs: startMs, timestampNs: 0, severity: 2, source: 'api', message, names: [], values: [], ...more }
}

function batch(messages: string[], key?: string, body = 'body'): AppendRequest {
  const builder = createBlockBuilder(startMs)
  for (const message of messages) builder.add(row(message))
  const idempotency = key === undefined ? undefined : { keyHash: key.padEnd(64, '0'), bodyHash: body, rejected: 1 }
  return { identity, blocks: builder.finish(), idempotency }
}

function answer<T extends object>(reply: T | Damaged): T {
  if ('damaged' in reply) throw new Error(reply.damaged)
  return reply
}

describe('appending', () => {
  test('numbers rows from 1 without gaps, over restarts', () => {
    const { core, open } = world()
    expect(core.append(batch(['a', 'b']))).toMatchObject({ status: 'stored', firstSeq: 1, accepted: 2 })
    expect(open().append(batch(['c']))).toMatchObject({ firstSeq: 3 })
    const rows = answer(open().search(all)).rows
    expect(rows.map(({ seq, message }) => [seq, message])).toEqual([
      [1, 'a'],
      [2, 'b'],
      [3, 'c'],
    ])
  })

  test('writes one SQLite row for each block, and no other once the shard knows its name', () => {
    const { core, sql } = world()
    core.append(batch(['a']))
    const changes = () => Number(sql.all('SELECT total_changes() AS n')[0]?.['n'])
    const before = changes()
    core.append(batch(['b', 'c'], 'aa'))
    expect(changes() - before).toBe(1)
  })

  test('refuses batches of no block, and what one SQLite row or one message cannot hold', () => {
    const { core } = world()
    const [block] = batch(['a']).blocks
    if (!block) throw new Error('no block')
    const large = { ...block, body: new Uint8Array(shardRowBytesMax) }
    expect(() => core.append({ identity, blocks: [large] })).toThrow(RangeError)
    const half = { ...block, body: new Uint8Array(shardRowBytesMax / 2) }
    const many = (count: number) => Array.from({ length: count }, () => half)
    expect(() => core.append({ identity, blocks: [] })).toThrow(RangeError)
    expect(() => core.append({ identity, blocks: many(Math.ceil(shardRpcBytesMax / half.body.length)) })).toThrow(RangeError)
    expect(() => core.append({ identity, blocks: Array.from({ length: shardBatchBlocksMax + 1 }, () => block) })).toThrow(RangeError)
    expect(core.ping()).toEqual({ lastSeq: 0 })
  })

  test('refuses a caller that takes it for another shard', () => {
    const { core, open } = world()
    core.append(batch(['a']))
    for (const other of [{ organizationId: 'other' }, { region: 'apac' }, { shard: 1 }]) {
      const stranger = { ...identity, ...other }
      expect(() => open().append({ ...batch(['b']), identity: stranger })).toThrow(/this shard is/)
      expect(() => open().search({ ...all, identity: stranger })).toThrow(/this shard is/)
      expect(() => open().getRow(stranger, 1)).toThrow(/this shard is/)
    }
  })
})

describe('an idempotency key', () => {
  test('stores once and answers the same counts, also after a restart', () => {
    const { core, clock, open } = world()
    clock.nowMs += 5
    core.append(batch(['a', 'b'], 'aa'))
    const replay = { status: 'replayed', firstSeq: 1, accepted: 2, rejected: 1, createdMs: startMs }
    clock.nowMs += 1000
    expect(core.append(batch(['a', 'b'], 'aa'))).toEqual(replay)
    expect(open().append(batch(['a', 'b'], 'aa'))).toEqual(replay)
    expect(answer(core.count(all)).count).toBe(2)
  })

  test('is known also when the block of its batch is damaged', () => {
    const { core, sql, open } = world()
    core.append(batch(['a'], 'aa'))
    sql.all(`UPDATE blocks SET head = x'00'`)
    expect(open().append(batch(['a'], 'aa'))).toMatchObject({ status: 'replayed', accepted: 1, createdMs: startMs })
  })

  test('is refused for another body', () => {
    const { core } = world()
    core.append(batch(['a'], 'aa'))
    expect(core.append(batch(['b'], 'aa', 'other'))).toEqual({ status: 'key_reused' })
    expect(core.ping()).toEqual({ lastSeq: 1 })
  })

  test('is told apart from another one with the same first 48 bits', () => {
    const { core } = world()
    core.append(batch(['a'], 'aaaaaaaaaaaa1'))
    expect(core.append(batch(['b'], 'aaaaaaaaaaaa2'))).toMatchObject({ status: 'stored', firstSeq: 2 })
  })

  test('is forgotten after 24 hours and not before', () => {
    const { core, clock, open } = world()
    core.append(batch(['a'], 'aa'))
    clock.nowMs += idempotencyTtlMs - 1
    expect(open().append(batch(['a'], 'aa'))).toMatchObject({ status: 'replayed' })
    clock.nowMs += 1
    expect(core.append(batch(['a'], 'aa'))).toMatchObject({ status: 'stored', firstSeq: 2 })
  })

  test('does not count when its batch could not be stored', () => {
    const { core, sql } = world()
    core.append(batch(['a']))
    sql.failAfter(0)
    expect(() => core.append(batch(['b'], 'aa'))).toThrow('the disk failed')
    expect(core.append(batch(['b'], 'aa'))).toMatchObject({ status: 'stored', firstSeq: 2 })
  })
})

describe('a damaged block', () => {
  test.each(['head', 'body'])('is reported by its number, whatever bit of its %s is wrong, and never guessed at', (column) => {
    const { core, sql, open, lines } = world()
    core.append(batch(['sound']))
    core.append(batch(['broken one', 'broken two']))
    const bytes = sql.all(`SELECT ${column} FROM blocks WHERE first_seq = 2`)[0]?.[column]
    if (!(bytes instanceof Uint8Array)) throw new Error('no bytes')
    for (let i = 0; i < bytes.length; i += 7) {
      const damaged = bytes.slice()
      damaged[i] = (damaged[i] ?? 0) ^ 0x10
      sql.all(`UPDATE blocks SET ${column} = ? WHERE first_seq = 2`, damaged)
      const fresh = open()
      expect(fresh.search(all), `byte ${i}`).toEqual({ damaged: expect.stringContaining('block 2') as unknown })
      expect(fresh.getRow(identity, 3)).toEqual({ damaged: expect.stringContaining('block 2') as unknown })
      expect(answer(fresh.getRow(identity, 1)).row?.message).toBe('sound')
    }
    expect(lines[0]).toMatchObject({
      level: 'error',
      message: 'damaged block',
      attributes: { organizationId: 'org', operation: 'search', damaged: expect.stringContaining('block 2') as unknown },
    })
  })

  test('does not stop the shard from taking logs', () => {
    const { core, sql, open } = world()
    core.append(batch(['a']))
    sql.all(`UPDATE blocks SET body = x'00'`)
    expect(open().append(batch(['b']))).toMatchObject({ status: 'stored', firstSeq: 2 })
  })
})

describe('edits', () => {
  test('are found by their new content and no more by the old', () => {
    const { core, open } = world()
    core.append(batch(['old text', 'other']))
    core.changeRow(identity, 1, { message: 'new text', timestampMs: startMs + 5 })
    for (const shard of [core, open()]) {
      expect(answer(shard.search({ ...all, q: 'old' })).rows).toEqual([])
      expect(answer(shard.search({ ...all, q: 'new' })).rows).toMatchObject([
        { seq: 1, message: 'new text', timestampMs: startMs + 5, createdMs: startMs },
      ])
      expect(answer(shard.count(all)).count).toBe(2)
    }
  })

  test('of one row from two sides both stay', () => {
    const { core } = world()
    core.append(batch(['a']))
    core.changeRow(identity, 1, { attributes: { replace: false, entries: [['one', 1]] } })
    core.changeRow(identity, 1, {
      attributes: {
        replace: false,
        entries: [
          ['__proto__', 'two'],
          ['big', 2n ** 70n],
        ],
      },
    })
    const attributes = answer(core.getRow(identity, 1)).row?.attributes ?? {}
    expect(Object.entries(attributes).toSorted(([a], [b]) => (a < b ? -1 : 1))).toEqual([
      ['__proto__', 'two'],
      ['big', 2n ** 70n],
      ['one', 1],
    ])
  })

  test('that would make a row too large are refused', () => {
    const { core } = world()
    core.append(batch(['a']))
    const many = Array.from({ length: 257 }, (_, i): [string, number] => [`name${i}`, i])
    expect(core.changeRow(identity, 1, { attributes: { replace: false, entries: many } })).toMatchObject({ status: 'too_large' })
    expect(core.changeRow(identity, 1, { message: 'x'.repeat(300_000) })).toMatchObject({ status: 'too_large' })
    expect(answer(core.getRow(identity, 1)).row?.updatedMs).toBe(0)
  })

  test('have a limit, within which each row can be changed again', () => {
    const { core } = world()
    core.append(batch(Array.from({ length: patchesPerShardMax + 1 }, (_, i) => `row ${i}`)))
    for (let seq = 1; seq <= patchesPerShardMax; seq++) core.deleteRow(identity, seq)
    expect(core.deleteRow(identity, patchesPerShardMax + 1)).toEqual({ status: 'too_many_patches' })
    expect(core.changeRow(identity, patchesPerShardMax + 1, { message: 'new' })).toEqual({ status: 'too_many_patches' })
    expect(answer(core.count(all)).count).toBe(1)
  })
})

describe('edits of large rows', () => {
  test('have a limit of bytes, which deleting makes room in', () => {
    const { core } = world()
    const message = 'x'.repeat(recordBytesMax - 100)
    const fits = Math.floor(patchBytesPerShardMax / recordBytesMax)
    core.append(batch(Array.from({ length: fits + 2 }, () => 'a')))
    for (let seq = 1; seq <= fits; seq++) core.changeRow(identity, seq, { message })
    expect(core.changeRow(identity, fits + 1, { message })).toEqual({ status: 'too_many_patches' })
    expect(core.deleteRow(identity, 1)).toEqual({ status: 'deleted' })
    expect(core.changeRow(identity, fits + 1, { message })).toMatchObject({ status: 'changed' })
  })
})

describe('edits of many rows', () => {
  test('cost the next query the rows around the edited one, not all that were ever edited', () => {
    const { core, sql, open } = world()
    const rows = 3000
    core.append(batch(Array.from({ length: rows }, (_, i) => `row ${i}`)))
    for (let i = 0; i < rows; i++) core.changeRow(identity, 1 + ((i * 7) % rows), { message: 'edited' })
    for (const shard of [core, open()]) {
      expect(answer(shard.count({ ...all, q: 'edited' })).count).toBe(rows)
      shard.changeRow(identity, 1500, { message: 'edited again' })
      const patchesBefore = sql.rowsOf('patches')
      expect(answer(shard.search({ ...all, q: 'again' })).rows).toMatchObject([{ seq: 1500 }])
      expect(sql.rowsOf('patches') - patchesBefore).toBeLessThanOrEqual(patchGroupRowsMax)
    }
    core.deleteRow(identity, 1500)
    expect(answer(core.count({ ...all, q: 'edited' })).count).toBe(rows - 1)
  })

  test('have a limit that counts attributes, each of which may be a column', () => {
    const { core } = world()
    const names = (seq: number) => Array.from({ length: 250 }, (_, i): [string, number] => [`${(seq * 250 + i).toString(36)}`, 1])
    core.append(batch(Array.from({ length: 2000 }, () => 'a')))
    let seq = 1
    while (core.changeRow(identity, seq, { attributes: { replace: true, entries: names(seq) } }).status === 'changed') seq++
    expect(seq * 250 * patchAttributeBytes).toBeLessThan(patchBytesPerShardMax)
    expect(answer(core.count({ ...all, q: `${(250).toString(36)}:1` })).count).toBe(1)
  })
})

describe('a restarted shard', () => {
  test('brings its newest block to a tail that watches, and nothing once none does', async () => {
    const { core, open, delivered } = world()
    core.append(batch(['a', 'b']))
    core.append(batch(['c', 'd']))
    await open().deliverTail()
    expect(delivered).toEqual([[3, 2]])
    await open().deliverTail()
    expect(delivered).toHaveLength(1)
  })
})

describe('a tail that resumes', () => {
  test('sees no deleted row, and no text that was edited away', () => {
    const { core } = world()
    core.append(batch(['first', 'secret one', 'secret two', 'last']))
    core.deleteRow(identity, 2)
    core.changeRow(identity, 3, { message: 'edited' })
    const { blocks, lastSeq } = core.blocksAfter(identity, 0, 1e6)
    expect(lastSeq).toBe(4)
    expect(blocks.map(({ hidden }) => hidden)).toEqual([[2]])
    const rows = blocks.flatMap((block) => allRows(openEncoded(block)))
    expect(rows.map(({ seq, message }) => [seq, message])).toEqual([
      [1, 'first'],
      [2, ''],
      [3, 'edited'],
      [4, 'last'],
    ])
    expect(core.blocksAfter(identity, 4, 1e6).blocks).toEqual([])
  })

  test('gets a damaged block as it is, with the patched rows hidden, and what follows it', () => {
    const { core, sql, open } = world()
    core.append(batch(['secret', 'other']))
    core.append(batch(['after']))
    core.deleteRow(identity, 1)
    sql.all(`UPDATE blocks SET body = x'00' WHERE first_seq = 1`)
    const { blocks } = open().blocksAfter(identity, 0, 1e6)
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
    for (let i = 0; i < 60; i++) core.append(batch([`${i} ${message}`]))
    const first = answer(core.search(all))
    expect(first.rows.length).toBeLessThan(60)
    const rest = answer(core.search({ ...all, after: first.frontier ?? undefined }))
    expect([...first.rows, ...rest.rows].map(({ seq }) => seq)).toEqual(Array.from({ length: 60 }, (_, i) => i + 1))
  })

  test('tells the smallest and greatest time of the shard', () => {
    const { core } = world()
    expect(core.extent(identity).extent).toBeNull()
    core.append(batch(['a']))
    core.changeRow(identity, 1, { timestampMs: startMs - 1000 })
    expect(core.extent(identity).extent).toEqual({ minMs: startMs - 1000, maxMs: startMs })
  })
})
