import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { foldAgeMs } from '../../../src/core/limits.ts'
import { headerBytes } from '../../../src/engine/segment/format.ts'
import { append, batch, identity, range, row, runAlarms, startMs, visible, world } from './shard_world.ts'

test('a segment that a merge was done with, when it found another one damaged, is merged all the same', async () => {
  const here = world()
  for (const [i, text] of 'abcdefg'.split('').entries()) {
    // A shorter text would stand in the index.
    append(here.core, batch([row(text.repeat(100), { timestampMs: startMs + i })]))
    await here.core.sealNow(identity)
  }
  const [first, second] = here.core.segments(identity).segments.toSorted((a, b) => a.minSeq - b.minSeq)
  // Nothing of the first one is left to merge, so that it is done before the next one is opened.
  here.core.deleteRow(identity, 1, { segment: first!.key, row: visible(here, here.core)[0]! })
  // The writer itself went wrong: the manifest knows the segment as it is, and only reading its pages tells.
  const bytes = here.objects.objects.get(second!.key)!
  bytes[headerBytes]! ^= 1
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  here.sql.all(`UPDATE segments SET meta = json_set(meta, '$.sha256', ?) WHERE key = ?`, sha256, second!.key)
  const core = here.open()
  append(core, batch([row('h', { timestampMs: startMs + 7 })]))
  await core.sealNow(identity)
  const { segments, damaged } = core.segments(identity)
  expect(damaged).toMatchObject([{ segment: second!.key }])
  expect(new Set(segments.map(({ minSeq, maxSeq, rows }) => `${rows} of ${minSeq} to ${maxSeq}`))).toEqual(
    new Set(['1 of 2 to 2', '6 of 3 to 8']),
  )
})

test.each(['erases nothing', 'erases', 'merges', 'folds'])('a job that %s frees the segments that it read', async (what) => {
  const here = world()
  const { core, objects, clock } = here
  const { read } = objects
  const taken: Uint8Array[] = []
  objects.read = async (key, start, end) => {
    const bytes = await read(key, start, end)
    if (bytes !== undefined) taken.push(bytes)
    return bytes
  }
  for (let i = 0; i < (what === 'merges' ? 8 : 1); i++) {
    append(core, batch([`text ${i} `.repeat(100), `other ${i} `.repeat(100)]))
    await core.sealNow(identity)
  }
  if (what.startsWith('erases')) core.startErase(identity, { id: 'a', q: what === 'erases' ? 'text' : 'nothing', range })
  if (what === 'folds') {
    const { key } = core.segments(identity).segments[0]!
    core.deleteRow(identity, 1, { segment: key, row: visible(here, core)[0]! })
  }
  await runAlarms(here, core, clock.nowMs + 2 * foldAgeMs)
  expect(taken.length).toBeGreaterThan(0)
  expect(taken.map(({ length }) => length)).toEqual(taken.map(() => 0))
})
