import { expect, test } from 'vitest'
import { all, append, batch, count, world } from './shard_world.ts'

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
  append(core, batch(hardTexts(2000)))
  const operations = [
    { kind: 'count' },
    { kind: 'search', order: 'oldest', limit: 100 },
    { kind: 'facets', fields: ['source'], limit: 5 },
  ] as const
  for (const operation of operations) {
    expect(core.query({ ...all, q: 'message:~"a.{150}c"', operation })).toEqual({
      tooSlow: expect.stringContaining('takes too much time') as unknown,
    })
  }
  expect(count(core, 'message:~"^[ab]+$"')).toBe(2000)
  expect(append(core, batch(['one more']))).toMatchObject({ status: 'stored', firstSeq: 2001 })
})
