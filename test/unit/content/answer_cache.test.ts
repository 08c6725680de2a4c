import { describe, expect, it } from 'vitest'
import { createAnswerCache } from '../../../src/search/dashboards/answer_cache.ts'
import type { Made } from '../../../src/search/dashboards/answer_cache.ts'

const limits = { keepMs: 5000, entriesMax: 3, charsMax: 100 }

/** A cache of texts, and how often each had to be made. */
function world(more: Partial<typeof limits> = {}) {
  const cache = createAnswerCache<string>({ ...limits, ...more })
  const made: string[] = []
  const get = (key: string, nowMs: number, { chars = 10, mayKeep = true }: Partial<Made<string>> = {}) =>
    cache.get(key, nowMs, async () => {
      made.push(key)
      return { answer: `${key} of ${nowMs}`, chars, mayKeep }
    })
  return { cache, made, get }
}

describe('the cache of answers', () => {
  it('gives an answer again until its time is over', async () => {
    const { get, made } = world()
    expect(await get('a', 1000)).toBe('a of 1000')
    expect(await get('a', 5999)).toBe('a of 1000')
    expect(await get('a', 6000)).toBe('a of 6000')
    expect(made).toEqual(['a', 'a'])
  })

  it('keeps what is asked under other keys apart', async () => {
    const { get } = world()
    expect(await Promise.all([get('org1 a', 0), get('org2 a', 0)])).toEqual(['org1 a of 0', 'org2 a of 0'])
  })

  it('makes an answer once for all who ask meanwhile', async () => {
    const { cache } = world()
    const { promise, resolve } = Promise.withResolvers<Made<string>>()
    let runs = 0
    const ask = () => cache.get('a', 0, () => (runs++, promise))
    const asked = [ask(), ask(), ask()]
    resolve({ answer: 'one', chars: 3, mayKeep: true })
    expect(await Promise.all(asked)).toEqual(['one', 'one', 'one'])
    expect(runs).toBe(1)
  })

  it('keeps no more entries than it may, and forgets the oldest', async () => {
    const { get, made, cache } = world()
    for (const key of ['a', 'b', 'c', 'd']) await get(key, 0)
    expect(cache.size()).toEqual({ entries: 3, chars: 30 })
    await get('d', 1)
    expect(made).toEqual(['a', 'b', 'c', 'd'])
    await get('a', 1)
    expect(made).toEqual(['a', 'b', 'c', 'd', 'a'])
  })

  it('keeps no more characters than it may', async () => {
    const { get, cache } = world()
    await get('a', 0, { chars: 60 })
    await get('b', 0, { chars: 60 })
    expect(cache.size()).toEqual({ entries: 1, chars: 60 })
    await get('c', 0, { chars: 101 })
    expect(cache.size()).toEqual({ entries: 1, chars: 60 })
  })

  it('counts nothing twice when an entry was pushed out while it was being made', async () => {
    const { get, cache } = world({ entriesMax: 1 })
    await Promise.all([get('a', 0), get('b', 0), get('a', 0)])
    expect(cache.size()).toEqual({ entries: 1, chars: 10 })
  })

  it('is empty when all is over', async () => {
    const { get, cache } = world()
    await get('a', 0)
    await get('b', 1)
    await get('c', 5000, { mayKeep: false })
    expect(cache.size()).toEqual({ entries: 1, chars: 10 })
    await get('c', 5001, { mayKeep: false })
    expect(cache.size()).toEqual({ entries: 0, chars: 0 })
  })

  it('does not keep what a moment later may be better, nor a failure, but tells all who wait', async () => {
    const { cache, get, made } = world()
    await get('a', 0, { mayKeep: false })
    await get('a', 0)
    expect(made).toEqual(['a', 'a'])
    const fail = () => cache.get('b', 0, () => Promise.reject(new Error('no shards')))
    expect((await Promise.allSettled([fail(), fail()])).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(await get('b', 0)).toBe('b of 0')
  })
})
