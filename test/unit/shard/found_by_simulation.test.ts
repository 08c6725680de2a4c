import { describe, expect, test } from 'vitest'
import { foldAgeMs } from '../../../src/core/limits.ts'
import { parseQuery } from '../../../src/engine/query/parser.ts'
import { createSegmentCaches, createSegmentReader } from '../../../src/engine/segment/scan_reader.ts'
import { searchSegments } from '../../../src/engine/segment/scan_rows.ts'
import { allRows, openEncoded } from '../../support/rows.ts'
import { append, batch, identity, range, row, runAlarms, search, startMs, visible, world } from './shard_world.ts'

const messagesOf = (rows: readonly { message: string }[]) => rows.map(({ message }) => message)
const hourMs = 3_600_000
const erase = (id: string, q: string) => ({ id, q, range })

/** What the simulation found once, in as few steps as it takes. */
describe('a delete by query', () => {
  test('takes rows that a seal was just writing', async () => {
    const here = world()
    const { core, objects } = here
    append(core, batch(['keep', 'erase']))
    const { put } = objects
    // The delete comes while the object is on its way.
    objects.put = async (key, bytes) => {
      objects.put = put
      core.startErase(identity, erase('a', 'message:erase'))
      return put(key, bytes)
    }
    await core.sealNow(identity)
    await core.sealNow(identity)
    expect(core.eraseProgress(identity, 'a')).toMatchObject({ status: 'done', erased: 1 })
    expect(messagesOf(visible(here, core))).toEqual(['keep'])
    expect(core.segments(identity).segments.reduce((sum, { rows }) => sum + rows, 0)).toBe(1)
  })

  test('takes a row that was edited right before it, whatever the clock says', async () => {
    const here = world()
    const { core, clock } = here
    append(core, batch(['one', 'two']))
    core.startErase(identity, erase('a', 'message:nothing'))
    // An edit behind a delete by query is put later than the clock.
    core.changeRow(identity, 1, { message: 'secret' })
    core.startErase(identity, erase('b', 'message:secret'))
    expect(messagesOf(visible(here, core))).toEqual(['two'])
    clock.nowMs = startMs + 1000
    core.changeRow(identity, 2, { message: 'another secret' })
    await core.sealNow(identity)
    clock.nowMs = startMs
    core.startErase(identity, erase('c', 'message:secret'))
    expect(messagesOf(visible(here, core))).toEqual([])
  })

  test('leaves nothing for DELETE, and shows no tail what was edited before', async () => {
    const { core } = world()
    append(core, batch(['one', 'two']))
    core.changeRow(identity, 1, { message: 'secret' })
    core.startErase(identity, erase('a', 'message:secret OR message:two'))
    expect(core.deleteRow(identity, 2)).toEqual({ status: 'missing' })
    const { blocks } = await core.blocksAfter(identity, 0, 1e6, 0)
    const shown = blocks.flatMap((block) => allRows(openEncoded(block)).filter(({ seq }) => block.hidden?.includes(seq) !== true))
    expect(shown).toEqual([])
  })

  test('takes an expired row of a segment that waits for retention, so that a longer term does not bring it back', async () => {
    const here = world()
    const { core } = here
    append(core, batch(['secret']))
    append(core, batch(['keep'], undefined, undefined, startMs + hourMs))
    await core.sealNow(identity)
    // Less than half of the time of the segment has expired: it is not worth rewriting for that.
    expect(core.applyRetention(identity, startMs + 1, 0)).toEqual({ removedRows: 0, pending: false })
    core.startErase(identity, erase('a', 'message:secret'))
    await runAlarms(here, core)
    expect(core.eraseProgress(identity, 'a')).toMatchObject({ status: 'done' })
    core.applyRetention(identity, 0, 1)
    expect(messagesOf(visible(here, core))).toEqual(['keep'])
  })

  test('keeps a row of a damaged segment out of sight that was edited to match it, whatever the times of that segment', async () => {
    const here = world()
    const { core, objects } = here
    append(core, batch(['before']))
    const [sealed] = visible(here, core)
    const { segments } = await core.sealNow(identity)
    const { key } = segments[0]!
    core.changeRow(identity, 1, { message: 'secret', timestampMs: startMs + hourMs }, { segment: key, row: sealed! })
    objects.objects.get(key)![20]! ^= 1
    core.startErase(identity, { ...erase('a', 'message:secret'), range: { fromMs: startMs + 1, toMs: startMs + 2 * hourMs } })
    await runAlarms(here, core)
    expect(core.eraseProgress(identity, 'a')).toEqual({ status: 'done', erased: 0, damaged: 1 })
    expect(messagesOf(search(core).rows)).toEqual([])
  })
})

test('a sealed row that is alone in its segment, and takes no bytes beside the index, is found', async () => {
  const { core, objects } = world()
  append(core, batch(['alone']))
  await core.sealNow(identity)
  const { segments } = core.segments(identity)
  const view = { range, maxSeq: 1, keepFromMs: 0, erasures: [] }
  const target = { shard: 0, segments, view, hidden: [] }
  const options = { budgetBytes: 2 ** 20, reader: createSegmentReader(objects, createSegmentCaches()) }
  const { result } = await searchSegments([target], parseQuery('alone'), { order: 'newest', limit: 10 }, options)
  expect(result.rows.map((each) => each.row.message)).toEqual(['alone'])
})

test('an edit of a row in a damaged segment does not make its neighbours be rewritten for ever', async () => {
  const here = world()
  const { core, objects, clock } = here
  // Two segments, of today and of a day far ahead, whose ranges of sequence numbers overlap.
  for (const message of ['a', 'b']) {
    append(core, batch([row(message), row(`${message} far ahead`, { timestampMs: 9e12 })]))
    await core.sealNow(identity)
  }
  await runAlarms(here, core, startMs + 3 * 86_400_000)
  const { segments, manifest } = core.segments(identity)
  expect(segments.map(({ minSeq, maxSeq }) => [minSeq, maxSeq])).toEqual([
    [1, 3],
    [2, 4],
  ])
  const third = visible(here, core).find(({ seq }) => seq === 3)
  if (third === undefined) throw new Error('row 3 is not there')
  core.changeRow(identity, 3, { message: 'edited' }, { segment: segments[0]!.key, row: third })
  const bytes = objects.objects.get(segments[0]!.key)!
  bytes[bytes.length >> 1]! ^= 1
  await runAlarms(here, core, clock.nowMs + 10 * foldAgeMs)
  expect(core.segments(identity).manifest.number).toBe(manifest.number)
})

test('an edit of a row of a damaged segment does not make one be read for ever in which there is a gap for that row', async () => {
  const here = world()
  const { core, objects, clock } = here
  // Rows from clocks that are wrong share a segment, each in a block of its own: those of today are between their ranges.
  append(core, batch([row('long ago', { timestampMs: 0 }), 'today', 'today', row('far ahead', { timestampMs: 9e12 })]))
  const today = visible(here, core).find(({ seq }) => seq === 2)!
  const { segments, manifest } = await core.sealNow(identity)
  expect(segments.map(({ minSeq, maxSeq, blocks }) => [minSeq, maxSeq, blocks])).toEqual([
    [1, 4, 2],
    [2, 3, 1],
  ])
  core.changeRow(identity, 2, { message: 'edited' }, { segment: segments[1]!.key, row: today })
  objects.objects.get(segments[1]!.key)![20]! ^= 1
  const { read } = objects
  const reads: string[] = []
  objects.read = async (key, start, end) => {
    reads.push(key)
    return read(key, start, end)
  }
  await runAlarms(here, core, clock.nowMs + 10 * foldAgeMs)
  expect(reads.sort()).toEqual(segments.map(({ key }) => key))
  expect(core.segments(identity).manifest.number).toBe(manifest.number)
})
