import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ahead } from '../../../src/engine/segment/scan_ahead.ts'
import { runs } from '../../support/effort.ts'

const pause = () => new Promise<void>((resolve) => setImmediate(resolve))

/** Takes all items, and tells how much was loaded or loading and not yet taken, at most. */
async function takeAll(weights: readonly number[], weightMax: number, delays: readonly number[]) {
  let waiting = 0
  let most = 0
  let started = 0
  let ended = false
  async function* source() {
    try {
      for (const [i, weight] of weights.entries()) {
        if (delays[i % delays.length] === 1) await pause()
        yield { i, weight }
      }
    } finally {
      ended = true
    }
  }
  const load = async ({ i, weight }: { i: number; weight: number }) => {
    started++
    waiting += weight
    most = Math.max(most, waiting)
    for (let n = 0; n < delays[i % delays.length]!; n++) await pause()
  }
  const taken: number[] = []
  const drop = ({ i }: { i: number; weight: number }) => expect.fail(`item ${i} was dropped`)
  for await (const { item, loaded } of ahead(source(), { load, weightOf: (each) => each.weight, weightMax: () => weightMax, drop })) {
    waiting -= item.weight
    await loaded
    if (delays[item.i % delays.length] === 2) await pause()
    taken.push(item.i)
  }
  return { taken, most, started, ended }
}

describe('loading ahead', () => {
  it('gives every item once and in order, and holds no more than its limit, one item, and the one that is taken', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 40 }),
        fc.integer({ min: 0, max: 120 }),
        fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 7 }),
        async (weights, weightMax, delays) => {
          const { taken, most, ended } = await takeAll(weights, weightMax, delays)
          expect(taken).toEqual(weights.map((_, i) => i))
          // The last one is begun while there is room; it may be larger than the room. One more is being handed over.
          expect(most).toBeLessThanOrEqual(weightMax + 2 * Math.max(0, ...weights))
          expect(ended).toBe(true)
        },
      ),
      { numRuns: runs(100) },
    )
  })

  it('begins nothing more once nobody takes items any more, and drops what was begun', async () => {
    let started = 0
    const dropped: number[] = []
    let closed = false
    async function* source() {
      try {
        for (let i = 0; ; i++) yield i
      } finally {
        closed = true
      }
    }
    const load = async () => void started++
    for await (const { item } of ahead(source(), { load, weightOf: () => 1, weightMax: () => 3, drop: (each) => dropped.push(each) }))
      if (item === 5) break
    const begun = started
    for (let n = 0; n < 10; n++) await pause()
    expect([started, closed]).toEqual([begun, true])
    expect(begun).toBeLessThanOrEqual(6 + 3 + 1)
    // One more at most: the source was asked for it before.
    expect(dropped).toEqual(Array.from({ length: dropped.length }, (_, i) => 6 + i))
    expect([begun - 6, begun - 5]).toContain(dropped.length)
  })
})
