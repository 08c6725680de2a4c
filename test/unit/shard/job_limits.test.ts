import { describe, expect, test } from 'vitest'
import { jobKilledMs, objectDeleteKeysMax, sealedReadTriesMax } from '../../../src/core/limits.ts'
import { createSealedRows } from '../../../src/objects/log-shard/sealed_rows.ts'
import { append, batch, identity, world } from './shard_world.ts'

describe('a job', () => {
  test('that is killed is begun again some time later', async () => {
    const { core, objects, clock, alarm } = world({ sealAgeMs: 0 })
    const { put } = objects
    const armed: (number | null)[] = []
    objects.put = (key, bytes) => {
      armed.push(alarm.atMs)
      return put(key, bytes)
    }
    append(core, batch(['a']))
    await core.alarm()
    expect(armed).toEqual([clock.nowMs + jobKilledMs])
    expect(alarm.atMs).not.toBe(clock.nowMs + jobKilledMs)
  })

  test('deletes no more objects in one call than R2 takes', async () => {
    const { sql, objects, open } = world()
    for (let i = 0; i <= objectDeleteKeysMax; i++) sql.all(`INSERT INTO garbage (key, due_ms) VALUES (?, 0)`, `key ${i}`)
    const deleted: number[] = []
    objects.delete = async (keys) => void deleted.push(keys.length)
    const core = open()
    append(core, batch(['a']))
    await core.sealNow(identity)
    expect(deleted).toEqual([objectDeleteKeysMax, 1])
  })
})

describe('sealed rows', () => {
  test('are read a limited number of times while their segments are rewritten', async () => {
    let reads = 0
    const segment = { key: 'a', bytes: 100, indexBytes: 50 }
    const context = {
      state: { manifest: { holding: () => [segment], get: () => undefined } },
      objects: { read: async () => void reads++ },
      log: () => undefined,
      identity: () => identity,
    }
    await expect(createSealedRows(context as never).read({ fromSeq: 1, toSeq: 9, keepFromMs: 0 })).rejects.toThrow('again and again')
    expect(reads).toBe(sealedReadTriesMax)
  })
})
