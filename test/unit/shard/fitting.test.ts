import { expect, test } from 'vitest'
import { rewriteReadsMax } from '../../../src/core/limits.ts'
import { createBlockBuilder } from '../../../src/engine/block/writer.ts'
import { mergeBlocks } from '../../../src/engine/segment/merge.ts'
import { MergeThrashError } from '../../../src/engine/segment/merge_types.ts'
import { createFitting } from '../../../src/objects/log-shard/upkeep/fitting.ts'
import { hotInput } from '../../support/merges.ts'
import { row } from './shard_world.ts'

const startMs = Date.parse('2026-11-22T07:00:00Z')

/** Blocks that overlap in time as a whole, of 2,000 columns each that no other has: a merge can hold few of them open. */
function interleaved(blocks: number) {
  const encoded = Array.from({ length: blocks }, (_, k) => {
    const builder = createBlockBuilder(startMs)
    for (let i = 0; i < 8; i++) {
      const names = Array.from({ length: 250 }, (__, n) => `${k}.${i}.${n}`)
      builder.add(row('hello', { timestampMs: startMs + i * 1000 + k, names, values: names.map(() => true) }))
    }
    return builder.finish()
  })
  let seq = 1
  return encoded.flat().map((block) => {
    const input = hotInput(block, seq)
    seq += block.meta.rows
    return input
  })
}

test('inputs that overlap in time are merged few at a time, so that work follows their number, not its square', async () => {
  const all = interleaved(20)
  let opens = 0
  const inputs = all.map((input) => ({ ...input, open: (cost: Parameters<typeof input.open>[0]) => (opens++, input.open(cost)) }))
  const { run } = createFitting()
  const sizes: number[] = []
  for (let done = 0; done < inputs.length;) {
    await run(
      (inputsMax) => inputs.slice(done, done + Math.min(inputsMax, inputs.length)),
      async (some, readsMax) => {
        for (const step of mergeBlocks(some, { readsMax })) void step
        done += some.length
        sizes.push(some.length)
      },
    )
  }
  expect(Math.max(...sizes)).toBeLessThan(inputs.length)
  // Those that went well, and as much again for each try that did not.
  expect(opens).toBeLessThanOrEqual(2 * (rewriteReadsMax + 2) * inputs.length)
}, 30_000)

test('the work of tries that thrash stays within a constant factor, for a thousand inputs as for ten', async () => {
  for (const count of [10, 1000]) {
    const { run } = createFitting()
    let reads = 0
    for (let done = 0; done < count;) {
      await run(
        (inputsMax) => Array.from({ length: Math.min(inputsMax, 16, count - done) }),
        async (some, readsMax = Infinity) => {
          reads += some.length * Math.min(some.length, readsMax)
          if (some.length > readsMax) throw new MergeThrashError()
          done += some.length
        },
      )
    }
    expect(reads / count).toBeLessThanOrEqual(3 * rewriteReadsMax)
  }
})

test('two inputs are merged whatever it takes, and another mistake is no reason to try again', async () => {
  const { run } = createFitting()
  const tried: number[] = []
  await run(
    (inputsMax) => Array.from({ length: Math.min(16, inputsMax) }),
    async (some, readsMax) => {
      tried.push(some.length)
      if (readsMax !== undefined) throw new MergeThrashError()
    },
  )
  expect(tried).toEqual([16, 8, 4, 2])
  await expect(
    run(
      () => [1, 2, 3],
      () => Promise.reject(new Error('no room')),
    ),
  ).rejects.toThrow('no room')
})
