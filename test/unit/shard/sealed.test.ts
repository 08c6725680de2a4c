import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { foldAgeMs, idempotencyTtlMs, segmentGraceMs, tailSealedRowsMax } from '../../../src/core/limits.ts'
import type { StoredRow } from '../../../src/engine/row.ts'
import type { ShardCore } from '../../../src/objects/log-shard/core.ts'
import { canonicalJson, hashOfOperation, noHash } from '../../../src/objects/log-shard/manifest_hash.ts'
import { allRows, openEncoded } from '../../support/rows.ts'
import type { World } from './shard_world.ts'
import { append, batch, count, identity, row, runAlarms, startMs, visible, world } from './shard_world.ts'

const message = (given: { message: string }) => given.message
const everything = { fromMs: 0, toMs: 1e13 }

/** A shard whose rows are all sealed, in one segment. */
async function sealedWorld(messages: string[]) {
  const here = world()
  append(here.core, batch(messages, 'aa'))
  await here.core.sealNow(identity)
  const stored = visible(here, here.core)
  const sealed = (seq: number) => ({
    segment: here.core.segments(identity).segments[0]!.key,
    row: stored.find((each) => each.seq === seq)!,
  })
  return { ...here, sealed }
}

describe('sealing', () => {
  test('moves hot rows into a segment when the oldest is old enough, and a query sees each of them once', async () => {
    const here = world()
    const { core, clock, alarm, objects } = here
    append(core, batch(['a', 'b']))
    append(core, batch(['c']))
    expect(alarm.atMs).toBe(startMs + 300_000)
    await runAlarms(here, core, startMs + 300_000)
    expect(core.segments(identity)).toMatchObject({ sealedSeq: 3, lastSeq: 3, hot: { blocks: 0, rows: 0, bytes: 0 } })
    expect([...objects.objects.keys()]).toEqual([expect.stringMatching(/^org\/org\/weur\/2026\/11\/22\/0-1-3-1-[0-9a-f]{16}\.seg$/)])
    for (const shard of [core, here.open()]) expect(visible(here, shard).map(message)).toEqual(['a', 'b', 'c'])
    expect(clock.nowMs).toBe(startMs + 300_000)
  })
})

describe('a sealed idempotency key', () => {
  test('is known for 24 hours, with what the first request was told, also after a restart', async () => {
    const { core, open, clock } = await sealedWorld(['a', 'b'])
    clock.nowMs += idempotencyTtlMs - 1
    const replay = { status: 'replayed', firstSeq: 1, accepted: 2, rejected: 1, createdMs: startMs }
    for (const shard of [core, open()]) expect(append(shard, batch(['a', 'b'], 'aa'))).toEqual(replay)
    expect(append(open(), batch(['a', 'b'], 'aa', 'other'))).toEqual({ status: 'key_reused' })
    clock.nowMs += 1
    expect(append(open(), batch(['a', 'b'], 'aa'))).toMatchObject({ status: 'stored', firstSeq: 3 })
  })

  test('is found among many packs, and is gone from SQLite a day later', async () => {
    const { core, open, clock, sql } = world()
    for (let i = 0; i < 5; i++) {
      for (let n = 0; n < 3; n++) append(core, batch([`${i} ${n}`], `${i}a${n}`))
      await core.sealNow(identity)
    }
    for (let i = 0; i < 5; i++) expect(append(open(), batch(['x'], `${i}a1`))).toMatchObject({ status: 'replayed', firstSeq: i * 3 + 2 })
    clock.nowMs += idempotencyTtlMs
    append(core, batch(['later']))
    await core.sealNow(identity)
    expect(sql.all('SELECT count(*) AS n FROM sealed_keys')).toEqual([{ n: 0 }])
  })
})

describe('usage', () => {
  test('is the same before and after sealing, and after restarts', async () => {
    const { core, open } = world()
    append(core, batch(['a', 'b']))
    append(core, batch(['c']))
    const day = Math.floor(startMs / 86_400_000)
    const before = core.usage(identity, day, day)
    expect(before).toMatchObject([{ usage: { stored: { rows: 3 } } }])
    expect(open().usage(identity, day, day)).toEqual(before)
    await core.sealNow(identity)
    expect(core.usage(identity, day, day)).toEqual(before)
    const again = open()
    expect(again.usage(identity, day, day)).toEqual(before)
    append(again, batch(['d']))
    expect(open().usage(identity, day, day)).toMatchObject([{ usage: { stored: { rows: 4 } } }])
  })
})

describe('a sealed row', () => {
  test('is changed and deleted with what its segment holds, while that is still a part of the shard', async () => {
    const here = await sealedWorld(['a', 'b', 'c'])
    const { core, sealed, clock } = here
    const [one, two] = [sealed(1), sealed(2)]
    expect(core.getRow(identity, 1)).toEqual({ status: 'sealed', segments: core.segments(identity).segments, erasures: [] })
    expect(core.changeRow(identity, 1, { message: 'x' })).toMatchObject({ status: 'sealed' })
    expect(core.changeRow(identity, 1, { message: 'edited' }, one)).toMatchObject({ status: 'changed', row: { seq: 1, message: 'edited' } })
    // Once it is patched, the shard knows it by itself.
    expect(core.changeRow(identity, 1, { severity: 4 })).toMatchObject({ status: 'changed', row: { message: 'edited', severity: 4 } })
    expect(visible(here, core).map(message)).toEqual(['edited', 'b', 'c'])
    await runAlarms(here, core, clock.nowMs + foldAgeMs)
    expect(core.segments(identity).segments[0]!.key).not.toBe(one.segment)
    expect(visible(here, core)).toMatchObject([{ message: 'edited', severity: 4 }, { message: 'b' }, { message: 'c' }])
    // What was read before the rewrite is not taken any more.
    expect(core.deleteRow(identity, 2, two)).toMatchObject({ status: 'sealed' })
    expect(core.deleteRow(identity, 2, sealed(2))).toEqual({ status: 'deleted' })
    expect(core.deleteRow(identity, 2)).toEqual({ status: 'missing' })
    expect(core.getRow(identity, 4)).toEqual({ row: null })
  })

  test('that is edited while its fold is at work keeps the newer edit', async () => {
    const here = await sealedWorld(['a', 'b'])
    const { core, sealed, objects, clock } = here
    const [one, two] = [sealed(1), sealed(2)]
    core.changeRow(identity, 1, { message: 'first edit' }, one)
    const put = objects.put.bind(objects)
    Object.assign(objects, {
      put: async (...args: Parameters<typeof put>) => {
        core.changeRow(identity, 1, { message: 'second edit' })
        core.deleteRow(identity, 2, two)
        await put(...args)
      },
    })
    await runAlarms(here, core, clock.nowMs + foldAgeMs)
    Object.assign(objects, { put })
    expect(core.manifest(identity, { afterNumber: 1, limit: 10 }).operations).toMatchObject([{ kind: 'fold' }])
    for (const shard of [core, here.open()]) expect(visible(here, shard).map(message)).toEqual(['second edit'])
    await runAlarms(here, core, clock.nowMs + 2 * foldAgeMs)
    expect(core.segments(identity).segments).toMatchObject([{ rows: 1 }])
    expect(visible(here, core).map(message)).toEqual(['second edit'])
  })
})

describe('a delete by query', () => {
  test('hides rows at once, leaves later ones and later edits alone, and counts what it removed', async () => {
    const here = await sealedWorld(['secret a', 'b', 'secret c'])
    const { core, sealed, clock } = here
    core.changeRow(identity, 2, { message: 'secret edit' }, sealed(2))
    append(core, batch(['hot secret']))
    expect(core.startErase(identity, { id: 'one', q: 'secret', range: everything })).toEqual({ status: 'started', maxSeq: 4 })
    append(core, batch(['later secret', 'plain']))
    core.changeRow(identity, 6, { message: 'secret since' })
    for (const shard of [core, here.open()]) {
      expect(visible(here, shard).map(message)).toEqual(['later secret', 'secret since'])
      expect(count(shard, 'secret')).toBe(2)
      expect(shard.getRow(identity, 4)).toEqual({ row: null })
      expect(shard.getRow(identity, 2)).toEqual({ row: null })
      expect(shard.changeRow(identity, 4, { message: 'back' })).toEqual({ status: 'missing' })
      expect(shard.deleteRow(identity, 4)).toEqual({ status: 'missing' })
    }
    expect(core.eraseProgress(identity, 'one')).toMatchObject({ status: 'running' })
    await runAlarms(here, core, clock.nowMs)
    expect(core.eraseProgress(identity, 'one')).toEqual({ status: 'done', erased: 4, damaged: 0 })
    expect(visible(here, core).map(message)).toEqual(['later secret', 'secret since'])
    // The same request again starts nothing.
    core.startErase(identity, { id: 'one', q: 'secret', range: everything })
    expect(visible(here, core)).toHaveLength(2)
  })

  test('keeps out of sight what a tail that resumes would see', async () => {
    const { core } = await sealedWorld(['secret a', 'b'])
    append(core, batch(['secret c', 'd']))
    core.startErase(identity, { id: 'one', q: 'secret', range: everything })
    expect(await tailOf(core, 0, 1e6)).toEqual([
      [2, 'b'],
      [4, 'd'],
    ])
  })

  test('whose query takes too much time ends, says so, and stops nothing else', async () => {
    const here = world()
    const { core } = here
    let state = 7
    const bit = () => ((state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) >>> 31 === 1 ? 'a' : 'b')
    append(core, batch(Array.from({ length: 2000 }, () => Array.from({ length: 200 }, bit).join(''))))
    core.startErase(identity, { id: 'slow', q: 'message:~"a.{150}c"', range: everything })
    await runAlarms(here, core, startMs + 1000)
    expect(core.eraseProgress(identity, 'slow')).toMatchObject({
      status: 'failed',
      erased: 0,
      reason: expect.stringContaining('too much time') as unknown,
    })
    await core.sealNow(identity)
    expect(visible(here, core)).toHaveLength(2000)
  })
})

describe('retention', () => {
  test('drops whole segments, rewrites mixed ones, and says how many rows went', async () => {
    const here = world()
    const { core, clock } = here
    const dayMs = 86_400_000
    for (const [text, daysAgo] of [
      ['old', 5],
      ['older', 6],
      ['new', 0],
    ] as const) {
      append(core, batch([text], undefined, text, startMs - daysAgo * dayMs))
      if (text === 'old') await core.sealNow(identity)
    }
    await core.sealNow(identity)
    expect(core.applyRetention(identity, startMs - 3 * dayMs, 0)).toEqual({ removedRows: 0, pending: true })
    expect(visible(here, core, startMs - 3 * dayMs).map(message)).toEqual(['new'])
    await runAlarms(here, core, clock.nowMs)
    expect(core.applyRetention(identity, startMs - 3 * dayMs, 0)).toEqual({ removedRows: 2, pending: false })
    expect(visible(here, core).map(message)).toEqual(['new'])
    expect(core.applyRetention(identity, 0, 0)).toEqual({ removedRows: 2, pending: false })
  })
})

describe('the manifest', () => {
  test('is a chain of hashes that says what became of every row', async () => {
    const here = await sealedWorld(['a', 'b'])
    const { core, sealed, open } = here
    core.deleteRow(identity, 2, sealed(2))
    append(core, batch(['c']))
    await core.sealNow(identity)
    await runAlarms(here, core, startMs + foldAgeMs)
    const { operations, last, anchor } = open().manifest(identity, { afterNumber: 0, limit: 100 })
    expect(anchor).toEqual({ number: 0, hash: noHash })
    expect(operations.map(({ number, kind, gone }) => [number, kind, gone.deleted])).toEqual([
      [1, 'seal', 0],
      [2, 'seal', 0],
      [3, 'fold', 1],
    ])
    let previousHash = noHash
    for (const { hash, ...content } of operations) {
      expect(content.previousHash).toBe(previousHash)
      expect(hash).toBe(hashOfOperation(content))
      previousHash = hash
    }
    expect(last).toEqual({ number: 3, hash: previousHash })
    for (const { key, sha256 } of core.segments(identity).segments)
      expect(createHash('sha256').update(here.objects.objects.get(key)!).digest('hex')).toBe(sha256)
  })

  test('hashes the same text for the same content, whatever the order of its keys', () => {
    expect(canonicalJson({ b: [1, null, 'é'], a: { d: true, c: 0.5 } })).toBe('{"a":{"c":0.5,"d":true},"b":[1,null,"é"]}')
  })
})

describe('replaced segments', () => {
  test('stay for those who are reading them, and no longer', async () => {
    const here = await sealedWorld(['a', 'b'])
    const { core, sealed, objects, clock } = here
    const { segment } = sealed(1)
    core.deleteRow(identity, 2, sealed(2))
    await runAlarms(here, core, clock.nowMs + foldAgeMs)
    expect(objects.objects.has(segment)).toBe(true)
    await runAlarms(here, core, clock.nowMs + segmentGraceMs - 1)
    expect(objects.objects.has(segment)).toBe(true)
    await runAlarms(here, core, clock.nowMs + 1)
    expect(objects.objects.has(segment)).toBe(false)
    expect(here.alarm.atMs).toBeNull()
  })
})

/** Rows that a tail sees from a position on, in pieces of about `bytesMax`. */
async function tailOf(core: ShardCore, from: number, bytesMax: number): Promise<[number, string][]> {
  const seen: [number, string][] = []
  for (let after = from; ;) {
    const { blocks, lastSeq } = await core.blocksAfter(identity, after, bytesMax, 0)
    if (blocks.length === 0 && after === lastSeq) return seen
    for (const block of blocks) {
      if (block.meta.firstSeq > after + 1) throw new Error(`rows ${after + 1} to ${block.meta.firstSeq - 1} were left out`)
      const rows: StoredRow[] = allRows(openEncoded(block))
      for (const each of rows) if (each.seq > after && !block.hidden?.includes(each.seq)) seen.push([each.seq, each.message])
      after = block.meta.firstSeq + block.meta.rows - 1
    }
  }
}

describe('a tail that resumes behind sealed rows', () => {
  test.each([1, 300, 1e6])('gets every row that is left in the order of the numbers, %i bytes at a time', async (bytesMax) => {
    const here = world()
    const { core } = here
    // Times run against the numbers, so that every segment holds them in another order.
    for (let i = 0; i < 4; i++) {
      append(core, batch([0, 1, 2].map((n) => row(`${i * 3 + n + 1}`, { timestampMs: startMs - i * 3 - n }))))
      if (i < 3) await core.sealNow(identity)
    }
    const rows = visible(here, core)
    const [segment] = core.segments(identity).segments
    core.deleteRow(identity, 2, { segment: segment!.key, row: rows[1]! })
    core.changeRow(identity, 3, { message: 'three' }, { segment: segment!.key, row: rows[2]! })
    const expected = Array.from({ length: 12 }, (_, i): [number, string] => [i + 1, i === 2 ? 'three' : String(i + 1)]).filter(
      ([seq]) => seq !== 2,
    )
    for (const from of [0, 1, 5, 9, 11, 12]) expect(await tailOf(core, from, bytesMax)).toEqual(expected.filter(([seq]) => seq > from))
  })

  test('goes on behind a segment that is missing, which hides its rows', async () => {
    const here: World = world()
    const { core, objects, lines } = here
    append(core, batch(['a', 'b']))
    await core.sealNow(identity)
    append(core, batch(['c']))
    objects.objects.clear()
    expect(await tailOf(core, 0, 1e6)).toEqual([[3, 'c']])
    expect(lines).toMatchObject([{ message: 'damaged segment' }])
    expect(tailSealedRowsMax).toBeGreaterThan(1)
  })
})
