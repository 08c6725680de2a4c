import { describe, expect, test } from 'vitest'
import { erasuresKeptMax, hotBytesMax, jobRetryWaitsMs, segmentMissingMs, segmentsPerShardMax } from '../../../src/core/limits.ts'
import { createBlockIndex } from '../../../src/objects/log-shard/block_index.ts'
import { append, batch, identity, range, row, runAlarms, search, startMs, visible, world } from './shard_world.ts'

const message = (given: { message: string }) => given.message
const dayMs = 86_400_000

describe('a damaged hot block', () => {
  test.each(['head', 'body'])('is put aside with its %s, and all other rows are sealed', async (column) => {
    const here = world()
    append(here.core, batch(['a']))
    append(here.core, batch(['b one', 'b two'], 'bb'))
    append(here.core, batch(['c']))
    here.sql.all(`UPDATE blocks_1 SET ${column} = x'00' WHERE first_seq = 2`)
    const core = here.open()
    const state = await core.sealNow(identity)
    expect(state).toMatchObject({ sealedSeq: 4, lastSeq: 4, hot: { blocks: 0, rows: 0, bytes: 0 } })
    expect(state.damaged).toEqual([{ segment: 'block 2', reason: expect.any(String) as unknown }])
    for (const shard of [core, here.open()]) {
      expect(visible(here, shard).map(message)).toEqual(['a', 'c'])
      expect(search(shard).damaged).toEqual([{ segment: 'block 2', reason: expect.stringContaining('damaged block') as unknown }])
      expect(shard.getRow(identity, 2)).toMatchObject({ damaged: expect.stringContaining('block 2') as unknown })
      expect(append(shard, batch(['b one', 'b two'], 'bb'))).toMatchObject({ status: 'replayed', firstSeq: 2, accepted: 2 })
    }
    expect(core.manifest(identity, { afterNumber: 0, limit: 1 }).operations).toMatchObject([{ gone: { damaged: 2 } }])
    // Said once; the damaged block makes no job due ever again.
    expect(here.lines.filter((line) => line.message === 'damaged part')).toHaveLength(1)
    expect(here.alarm.atMs).toBeNull()
    append(core, batch(['d']))
    await core.sealNow(identity)
    expect(visible(here, core).map(message)).toEqual(['a', 'c', 'd'])
  })

  test('is passed by a tail, which gets what follows it', async () => {
    const here = world()
    for (const texts of [['a'], ['b one', 'b two'], ['c']]) append(here.core, batch(texts))
    here.sql.all(`UPDATE blocks_1 SET body = x'00' WHERE first_seq = 2`)
    const core = here.open()
    await core.sealNow(identity)
    append(core, batch(['d']))
    const seen: number[] = []
    for (let after = 0; after < 5;) {
      const { blocks } = await core.blocksAfter(identity, after, 1e6, 0)
      for (const { meta } of blocks) {
        expect(meta.firstSeq).toBe(after + 1)
        after = meta.firstSeq + meta.rows - 1
        seen.push(meta.firstSeq)
      }
    }
    expect(seen).toEqual([1, 2, 4, 5])
  })

  test('goes when its rows have expired, and with it what a delete by query kept out of sight', async () => {
    const here = world()
    append(here.core, batch(['secret one', 'secret two']))
    append(here.core, batch(['b']))
    here.sql.all(`UPDATE blocks_1 SET body = x'00' WHERE first_seq = 1`)
    const core = here.open()
    core.startErase(identity, { id: 'one', q: 'secret', range })
    await core.sealNow(identity)
    expect(core.eraseProgress(identity, 'one')).toEqual({ status: 'done', erased: 0, damaged: 1 })
    expect(search(core).erasures).toHaveLength(1)
    here.clock.nowMs += 2 * dayMs
    core.applyRetention(identity, startMs + dayMs, 0)
    await runAlarms(here, core)
    expect(core.segments(identity)).toMatchObject({ damaged: [], segments: [] })
    const reply = search(here.open())
    expect([reply.erasures, reply.damaged, reply.rows]).toEqual([[], [], []])
  })
})

describe('a damaged segment', () => {
  test.each(['changed', 'cut', 'lost'])('that was %s is left as it is by a merge, which takes the others', async (how) => {
    const here = world()
    const { core, objects } = here
    for (const text of 'abcdefgh') {
      if (text === 'h') {
        const [first] = [...objects.objects.keys()].sort()
        const bytes = objects.objects.get(first!)!
        if (how === 'lost') objects.objects.delete(first!)
        else if (how === 'cut') objects.objects.set(first!, bytes.slice(0, -5))
        else bytes[20]! ^= 1
      }
      append(core, batch([text]))
      if (how === 'lost' && text === 'h') await runAlarms(here, core, here.clock.nowMs + 4 * segmentMissingMs)
      else await core.sealNow(identity)
    }
    // Eight were due; one of them is damaged, so seven are merged.
    const { segments, damaged } = core.segments(identity)
    expect(damaged).toMatchObject([{ segment: expect.stringContaining('/0-1-1-1-') as unknown }])
    expect(segments.map(({ key }) => key)).toContain(damaged[0]!.segment)
    expect(segments.reduce((sum, { rows }) => sum + rows, 0)).toBe(8)
    expect(segments).toHaveLength(2)
    expect(here.alarm.atMs).not.toBe(here.clock.nowMs)
  })
})

describe('a segment that one read does not find', () => {
  test('is looked for again, also after restarts, and is as good as before when it is there', async () => {
    const here = world()
    append(here.core, batch(['a', 'b']))
    await here.core.sealNow(identity)
    const [[key, bytes]] = [...here.objects.objects] as [[string, Uint8Array]]
    here.objects.objects.delete(key)
    here.core.startErase(identity, { id: 'one', q: 'a', range })
    const core = here.open()
    await runAlarms(here, core, here.clock.nowMs + segmentMissingMs / 2)
    expect(core.segments(identity).damaged).toEqual([])
    here.objects.objects.set(key, bytes)
    await runAlarms(here, core, here.clock.nowMs + segmentMissingMs)
    expect(core.eraseProgress(identity, 'one')).toEqual({ status: 'done', erased: 1, damaged: 0 })
    expect(visible(here, core).map(message)).toEqual(['b'])
    // What is found is forgotten, so that the next time counts anew.
    expect(here.sql.all(`SELECT value FROM meta WHERE key = 'missing'`)).toEqual([{ value: '[]' }])
  })

  test('counts as lost after some minutes, whenever the shard was restarted', async () => {
    const here = world()
    append(here.core, batch(['a', 'b']))
    await here.core.sealNow(identity)
    here.objects.objects.clear()
    here.core.startErase(identity, { id: 'one', q: 'a', range })
    for (let i = 0; i < 3; i++) {
      await runAlarms(here, here.open(), here.clock.nowMs + segmentMissingMs / 2)
      here.clock.nowMs += segmentMissingMs / 2
    }
    const core = here.open()
    await runAlarms(here, core, here.clock.nowMs + segmentMissingMs)
    expect(core.segments(identity).damaged).toMatchObject([{ reason: expect.stringContaining('missing') as unknown }])
    expect(core.eraseProgress(identity, 'one')).toMatchObject({ status: 'done', damaged: 1 })
  })
})

describe('a delete by query', () => {
  test('says which segments may still hold its rows: those to be looked at, and damaged ones', async () => {
    const here = world()
    const { core, objects } = here
    const keys: string[] = []
    for (const text of ['a', 'b']) {
      append(core, batch([row(text, { timestampMs: startMs + keys.length * dayMs })]))
      keys.push((await core.sealNow(identity)).segments.at(-1)!.key)
    }
    core.startErase(identity, { id: 'a', q: 'a', range: { fromMs: 0, toMs: startMs + 1 } })
    expect(core.segments(identity).erasing).toEqual([keys[0]])
    objects.objects.get(keys[0]!)![20]! ^= 1
    expect((await core.sealNow(identity)).erasing).toEqual([keys[0]])
    core.startErase(identity, { id: 'b', q: 'b', range })
    expect(core.segments(identity).erasing.toSorted()).toEqual(keys.toSorted())
    expect(await core.sealNow(identity)).toMatchObject({ erasing: [keys[0]], segments: [{ key: keys[0] }] })
  })

  test('is kept only for damaged parts that may hold its rows, so that one of them does not keep all that come later', async () => {
    const here = world()
    append(here.core, batch(['a', 'b']))
    await here.core.sealNow(identity)
    const [key] = [...here.objects.objects.keys()]
    here.objects.objects.get(key!)![20]! ^= 1
    append(here.core, batch(['c']))
    append(here.core, batch(['d']))
    here.sql.all(`UPDATE blocks_2 SET head = x'00' WHERE first_seq = 4`)
    const core = here.open()
    core.startErase(identity, { id: 'over it', q: 'a', range })
    await core.sealNow(identity)
    expect(core.eraseProgress(identity, 'over it')).toMatchObject({ status: 'done', damaged: 2 })
    for (let i = 0; i < erasuresKeptMax + 5; i++) {
      const beside = { fromMs: 0, toMs: startMs }
      expect(core.startErase(identity, { id: `${i}`, q: 'a', range: beside })).toMatchObject({ status: 'started' })
      await core.sealNow(identity)
      expect(core.eraseProgress(identity, `${i}`)).toEqual({ status: 'done', erased: 0, damaged: 0 })
    }
    expect(search(here.open()).erasures.map(({ id }) => id)).toEqual(['over it'])
  })
})

describe('a bucket that fails', () => {
  test('is asked again after longer and longer waits, while rows stay hot and appends go on', async () => {
    const here = world()
    const { core, objects, clock, alarm } = here
    append(core, batch(['a']))
    const waits: number[] = []
    clock.nowMs = alarm.atMs!
    for (let i = 0; i < jobRetryWaitsMs.length + 1; i++) {
      objects.failAt(0, 'fails')
      await core.alarm()
      waits.push(alarm.atMs! - clock.nowMs)
      append(core, batch([`${i}`]))
      expect(alarm.atMs).toBe(clock.nowMs + waits.at(-1)!)
      clock.nowMs = alarm.atMs!
    }
    expect(waits).toEqual([...jobRetryWaitsMs, jobRetryWaitsMs.at(-1)])
    expect(visible(here, core)).toHaveLength(jobRetryWaitsMs.length + 2)
    await runAlarms(here, core)
    expect(core.segments(identity)).toMatchObject({ hot: { rows: 0 }, sealedSeq: jobRetryWaitsMs.length + 2 })
  })

  test('makes sealNow reject with what went wrong', async () => {
    const { core, objects } = world()
    append(core, batch(['a']))
    objects.failAt(0, 'fails')
    await expect(core.sealNow(identity)).rejects.toThrow('the object storage failed')
    await expect(core.sealNow(identity)).resolves.toMatchObject({ sealedSeq: 1 })
  })
})

describe('a shard that cannot seal', () => {
  test('refuses batches once it holds as many hot bytes as it may, and takes them again when it has sealed', async () => {
    const here = world()
    append(here.core, batch(['a']))
    here.sql.all(`UPDATE blocks_1 SET bytes = ?`, hotBytesMax)
    const core = here.open()
    expect(append(core, batch(['b']))).toEqual({
      status: 'shard_full',
      detail: expect.stringContaining('sealing does not keep up') as unknown,
    })
    const { usage } = core.usage(identity, 0, 1e6)[0]!
    expect(usage.rejected).toEqual({ shard_full: 1 })
    // Its meta is not that of its head any more, so it is put aside.
    await core.sealNow(identity)
    expect(append(core, batch(['b']))).toMatchObject({ status: 'stored', firstSeq: 2 })
  })

  test('refuses batches once it has as many segments as it may', async () => {
    const here = world()
    append(here.core, batch(['a']))
    await here.core.sealNow(identity)
    here.sql.all(
      `WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
        INSERT INTO segments SELECT key || i, operation, replace(meta, key, key || i) FROM n, segments WHERE operation = 1`,
      segmentsPerShardMax,
    )
    expect(append(here.open(), batch(['b']))).toMatchObject({
      status: 'shard_full',
      detail: expect.stringContaining('segments') as unknown,
    })
  })
})

describe('the index of blocks', () => {
  const meta = (firstSeq: number, rows: number) => ({
    firstSeq,
    rows,
    minMs: firstSeq,
    maxMs: firstSeq,
    severityCounts: [0, 0, rows, 0, 0, 0],
    bytes: 10,
  })

  test('tells hot blocks from damaged ones, finds by number, and forgets what is sealed', () => {
    const index = createBlockIndex()
    for (let i = 0; i < 3000; i++) index.push(meta(i * 2 + 1, 2))
    index.retain(({ firstSeq }) => firstSeq === 11 || firstSeq > 4000)
    expect(index.hot(4000)).toEqual({ blocks: 1000, rows: 2000, bytes: 10_000 })
    expect([index.find(10), index.find(12)?.firstSeq, index.find(13), index.find(4001)?.firstSeq, index.find(6001)]).toEqual([
      undefined,
      11,
      undefined,
      4001,
      undefined,
    ])
    expect(index.extent()).toEqual({ minMs: 11, maxMs: 5999 })
    expect(index.lastSeq()).toBe(6000)
    expect(() => index.push(meta(6003, 1))).toThrow('does not follow')
    index.retain(() => false)
    index.push(meta(6001, 1))
    expect([index.size(), index.lastSeq()]).toEqual([1, 6001])
    expect(() => index.skipTo(6000)).toThrow('is behind')
  })
})
