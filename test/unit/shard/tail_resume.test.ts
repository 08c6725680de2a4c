import { describe, expect, test } from 'vitest'
import { foldAgeMs, tailResumeSealedBytesMax, tailResumeSealedRowsMax } from '../../../src/core/limits.ts'
import { readSegment } from '../../../src/engine/segment/reader.ts'
import type { ShardCore } from '../../../src/objects/log-shard/core.ts'
import type { TailBlock } from '../../../src/objects/log-shard/protocol.ts'
import { createSealedRows } from '../../../src/objects/log-shard/sealed_rows.ts'
import { loadState } from '../../../src/objects/log-shard/state.ts'
import { createShardStore } from '../../../src/objects/log-shard/store.ts'
import { createTailBlocks } from '../../../src/objects/log-shard/tail_blocks.ts'
import { allRows, openEncoded } from '../../support/rows.ts'
import type { World } from './shard_world.ts'
import { append, batch, identity, runAlarms, startMs, visible, world } from './shard_world.ts'

const hourMs = 3_600_000

/** Sequence number and message of the rows of the blocks that may be shown. */
function shown(blocks: readonly TailBlock[]): [number, string][] {
  return blocks.flatMap((block) =>
    allRows(openEncoded(block)).flatMap(({ seq, message }): [number, string][] => (block.hidden?.includes(seq) ? [] : [[seq, message]])),
  )
}

async function read(core: ShardCore, afterSeq: number, keepFromMs = 0) {
  const { blocks, ...rest } = await core.blocksAfter(identity, afterSeq, 4e6, keepFromMs)
  return { rows: shown(blocks), ...rest }
}

/** A batch that was received so long before `startMs`. */
const received = (messages: string[], agoMs: number) => batch(messages, undefined, 'body', startMs - agoMs)

describe('a tail that resumes', () => {
  test.each(['hot', 'sealed'])('sees no %s row that has expired, edited or not, though the shard was told of nothing', async (where) => {
    const here = world()
    const { core } = here
    append(core, received(['old', 'old edited'], 2 * hourMs))
    append(core, received(['new', 'new edited'], 0))
    if (where === 'sealed') await core.sealNow(identity)
    for (const { seq, ...content } of visible(here, core).filter(({ message }) => message.endsWith('edited'))) {
      const segment = core.segments(identity).segments[0]?.key ?? ''
      core.changeRow(identity, seq, { message: 'edit' }, { segment, row: { seq, ...content } })
    }
    const from = async (keepFromMs: number) => {
      const first = await read(core, 0, keepFromMs)
      return first.rows
    }
    const fresh = [
      [3, 'new'],
      [4, 'edit'],
    ]
    expect(await from(0)).toEqual([[1, 'old'], [2, 'edit'], ...fresh])
    expect(await from(startMs - 2 * hourMs)).toEqual([[1, 'old'], [2, 'edit'], ...fresh])
    expect(await from(startMs - 2 * hourMs + 1)).toEqual(fresh)
    expect(await from(startMs + 1)).toEqual([])
  })

  test('sees no hot row that the shard itself was told has expired', async () => {
    const { core } = world()
    append(core, received(['old'], 2 * hourMs))
    append(core, received(['new'], 0))
    core.applyRetention(identity, startMs - hourMs, 1)
    expect((await read(core, 0)).rows).toEqual([[2, 'new']])
  })

  test('is shown nothing of a damaged block in which rows have expired', async () => {
    const { core, sql, open } = world()
    append(core, received(['old', 'older'], 2 * hourMs))
    append(core, received(['new'], 0))
    sql.all(`UPDATE blocks_1 SET body = x'00' WHERE first_seq = 1`)
    core.changeRow(identity, 3, { message: 'edited' })
    const { blocks } = await open().blocksAfter(identity, 0, 1e6, startMs - hourMs)
    expect(blocks.map(({ meta, hidden }) => [meta.firstSeq, hidden])).toEqual([
      [1, [1, 2]],
      [3, undefined],
    ])
  })
})

describe('sealed rows that a tail that resumes is behind', () => {
  test(`are read back up to ${tailResumeSealedRowsMax}; beyond, it goes on with the hot ones, and so do deliveries`, async () => {
    const sealed = tailResumeSealedRowsMax + 1
    const { core, delivered } = world({ sealBytes: 2 ** 26 })
    core.watch(identity)
    for (let left = sealed; left > 0; left -= 32_768) append(core, batch(Array<string>(Math.min(left, 32_768)).fill('x')))
    await core.sealNow(identity)
    append(core, batch(['hot']))
    expect(await read(core, 0)).toEqual({ rows: [], lastSeq: sealed + 1, skipTo: sealed })
    expect((await read(core, 1)).rows[0]).toEqual([2, 'x'])
    expect(await read(core, sealed)).toEqual({ rows: [[sealed + 1, 'hot']], lastSeq: sealed + 1 })
    await core.deliverTail()
    expect(delivered).toEqual([[sealed + 1, 1]])
  })

  test('are read back as long as they take no more than the limit of bytes, by the average of their segments', () => {
    const segments = [
      { rows: 100, rawBytes: 100 * 2 ** 20 },
      { rows: 300, rawBytes: 100 * 2 ** 20 },
    ]
    const manifest = { record: () => ({ sealedSeq: 400, keepFromMs: 0 }), holding: () => segments }
    const { skipFrom } = createTailBlocks({ state: { manifest }, objects: {} } as never)
    const rows = tailResumeSealedBytesMax / 2 ** 19
    expect(skipFrom(400 - rows)).toBeUndefined()
    expect(skipFrom(400 - rows - 1)).toBe(400)
    expect(skipFrom(400)).toBeUndefined()
  })
})

/** Where the reads of objects begin, as they come. */
function watchReads({ objects }: World): { key: string; start: number }[] {
  const reads: { key: string; start: number }[] = []
  const real = objects.read
  objects.read = (key, start, end) => {
    reads.push({ key, start })
    return real(key, start, end)
  }
  return reads
}

/** A shard whose rows are sealed in one segment. */
async function oneSegment(messages: string[]): Promise<World> {
  const here = world()
  append(here.core, batch(messages))
  await here.core.sealNow(identity)
  return here
}

describe('the index of a segment', () => {
  test('is read once for all that a tail reads back from it', async () => {
    const here = await oneSegment(['a', 'b', 'c'])
    const reads = watchReads(here)
    const starts: number[] = []
    for (let after = 0; after < 3; after++) {
      const { blocks } = await here.core.blocksAfter(identity, after, 1, 0)
      expect(shown(blocks)).toEqual([[after + 1, 'abc'[after]]])
      starts.push(...reads.splice(0).map(({ start }) => start))
    }
    const [meta] = here.core.segments(identity).segments
    expect(starts.filter((start) => start === meta!.bytes - meta!.indexBytes)).toHaveLength(1)
    expect(starts).toHaveLength(4)
  })

  test('that is known does not hide that the object is lost: its rows are missing, and it is told', async () => {
    const { core, objects, lines } = await oneSegment(['a', 'b'])
    append(core, batch(['hot']))
    expect((await read(core, 0)).rows).toEqual([
      [1, 'a'],
      [2, 'b'],
    ])
    const [key] = [...objects.objects.keys()]
    objects.objects.clear()
    expect((await read(core, 0)).rows).toEqual([])
    expect((await read(core, 2)).rows).toEqual([[3, 'hot']])
    const told = { ...identity, operation: 'tail', segment: key, damaged: 'damaged segment: it is missing' }
    expect(lines).toEqual([{ level: 'error', message: 'damaged segment', attributes: told }])
  })

  test('that is known does not bring back what a rewrite took away', async () => {
    const here = await oneSegment(['a', 'b'])
    const { core, clock } = here
    await read(core, 0)
    const [segment] = core.segments(identity).segments
    core.deleteRow(identity, 1, { segment: segment!.key, row: visible(here, core)[0]! })
    await runAlarms(here, core, clock.nowMs + foldAgeMs)
    expect(core.segments(identity).segments[0]!.key).not.toBe(segment!.key)
    expect((await read(core, 0)).rows).toEqual([[2, 'b']])
  })

  test('is not kept where it takes more than the cache may', async () => {
    const here = await oneSegment(['a', 'b'])
    const { key } = here.core.segments(identity).segments[0]!
    const { manifest, patches, erasures } = loadState(createShardStore(here.sql), {} as never, () => startMs)
    const context = { state: { manifest, patches, erasures }, objects: here.objects, identity: () => identity, log: () => undefined }
    const { memoryBytes } = readSegment(here.objects.objects.get(key)!).index
    const reads = watchReads(here)
    const readsOf = async (indexCacheBytes: number) => {
      const sealed = createSealedRows(context as never, indexCacheBytes)
      for (const seq of [1, 2]) {
        const rows = await sealed.read({ fromSeq: seq, toSeq: seq, keepFromMs: 0 })
        expect([...rows.keys()]).toEqual([seq])
      }
      return reads.splice(0).length
    }
    expect(await readsOf(memoryBytes)).toBe(3)
    expect(await readsOf(memoryBytes - 1)).toBe(4)
  })
})
