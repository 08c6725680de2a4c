import { expect, test } from 'vitest'
import { all, answer, batch, world } from './shard_world.ts'

/** Texts in which nearly every character leads a regular expression to a state it has not met. */
function hardTexts(count: number): string[] {
  let state = 7
  const bit = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state >>> 31
  }
  return Array.from({ length: count }, () => Array.from({ length: 200 }, () => (bit() === 1 ? 'a' : 'b')).join(''))
}

test('a regular expression that takes too much time on a block is refused, and the shard answers on', () => {
  const { core } = world()
  core.append(batch(hardTexts(2000)))
  const slow = { ...all, q: 'message:~"a.{150}c"' }
  for (const reply of [core.count(slow), core.search(slow), core.facets({ ...slow, fields: ['source'], limit: 5 })]) {
    expect(reply).toEqual({ tooSlow: expect.stringContaining('takes too much time') as unknown })
  }
  expect(answer(core.count({ ...all, q: 'message:~"^[ab]+$"' })).count).toBe(2000)
  expect(core.append(batch(['one more']))).toMatchObject({ status: 'stored', firstSeq: 2001 })
})
