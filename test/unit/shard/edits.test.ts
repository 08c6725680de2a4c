import { describe, expect, test } from 'vitest'
import {
  patchAttributeBytes,
  patchBytesPerShardMax,
  patchGroupRowsMax,
  patchesPerShardMax,
  recordBytesMax,
} from '../../../src/core/limits.ts'
import type { StoredRow } from '../../../src/engine/row.ts'
import type { ShardCore } from '../../../src/objects/log-shard/core.ts'
import { append, batch, count, identity, search, startMs, world } from './shard_world.ts'

describe('edits', () => {
  test('are found by their new content and no more by the old', () => {
    const { core, open } = world()
    append(core, batch(['old text', 'other']))
    core.changeRow(identity, 1, { message: 'new text', timestampMs: startMs + 5 })
    for (const shard of [core, open()]) {
      expect(search(shard, { q: 'old' }).rows).toEqual([])
      expect(search(shard, { q: 'new' }).rows).toMatchObject([
        { seq: 1, message: 'new text', timestampMs: startMs + 5, createdMs: startMs },
      ])
      expect(count(shard)).toBe(2)
    }
  })

  test('of one row from two sides both stay', () => {
    const { core } = world()
    append(core, batch(['a']))
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
    const attributes = present(core, 1)?.attributes ?? {}
    expect(Object.entries(attributes).toSorted(([a], [b]) => (a < b ? -1 : 1))).toEqual([
      ['__proto__', 'two'],
      ['big', 2n ** 70n],
      ['one', 1],
    ])
  })

  test('that would make a row too large are refused', () => {
    const { core } = world()
    append(core, batch(['a']))
    const many = Array.from({ length: 257 }, (_, i): [string, number] => [`name${i}`, i])
    expect(core.changeRow(identity, 1, { attributes: { replace: false, entries: many } })).toMatchObject({ status: 'too_large' })
    expect(core.changeRow(identity, 1, { message: 'x'.repeat(300_000) })).toMatchObject({ status: 'too_large' })
    expect(present(core, 1)?.updatedMs).toBe(0)
  })

  test('have a limit, within which each row can be changed again', () => {
    const { core } = world()
    append(core, batch(Array.from({ length: patchesPerShardMax + 1 }, (_, i) => `row ${i}`)))
    for (let seq = 1; seq <= patchesPerShardMax; seq++) core.deleteRow(identity, seq)
    expect(core.deleteRow(identity, patchesPerShardMax + 1)).toEqual({ status: 'too_many_patches' })
    expect(core.changeRow(identity, patchesPerShardMax + 1, { message: 'new' })).toEqual({ status: 'too_many_patches' })
    expect(count(core)).toBe(1)
  })
})

describe('edits of large rows', () => {
  test('have a limit of bytes, which deleting makes room in', () => {
    const { core } = world()
    const message = 'x'.repeat(recordBytesMax - 100)
    const fits = Math.floor(patchBytesPerShardMax / recordBytesMax)
    append(core, batch(Array.from({ length: fits + 2 }, () => 'a')))
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
    append(core, batch(Array.from({ length: rows }, (_, i) => `row ${i}`)))
    for (let i = 0; i < rows; i++) core.changeRow(identity, 1 + ((i * 7) % rows), { message: 'edited' })
    for (const shard of [core, open()]) {
      expect(count(shard, 'edited')).toBe(rows)
      shard.changeRow(identity, 1500, { message: 'edited again' })
      const patchesBefore = sql.rowsOf('patches')
      expect(search(shard, { q: 'again' }).rows).toMatchObject([{ seq: 1500 }])
      expect(sql.rowsOf('patches') - patchesBefore).toBeLessThanOrEqual(patchGroupRowsMax)
    }
    core.deleteRow(identity, 1500)
    expect(count(core, 'edited')).toBe(rows - 1)
  })

  test('have a limit that counts attributes, each of which may be a column', () => {
    const { core } = world()
    const names = (seq: number) => Array.from({ length: 250 }, (_, i): [string, number] => [(seq * 250 + i).toString(36), 1])
    append(core, batch(Array.from({ length: 2000 }, () => 'a')))
    const change = (seq: number) => core.changeRow(identity, seq, { attributes: { replace: true, entries: names(seq) } })
    let seq = 1
    for (let reply = change(seq); 'status' in reply && reply.status === 'changed'; reply = change(seq)) seq++
    expect(seq * 250 * patchAttributeBytes).toBeLessThan(patchBytesPerShardMax)
    expect(count(core, `${(250).toString(36)}:1`)).toBe(1)
  })
})

function present(core: ShardCore, seq: number): StoredRow | null | undefined {
  const reply = core.getRow(identity, seq)
  return 'row' in reply ? reply.row : undefined
}
