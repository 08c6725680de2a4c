import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type * as encoder from '../../../src/engine/segment/block_encoder.ts'
import { forgedHead } from '../../support/forged.ts'
import type * as shards from './shard_world.ts'

const path = '../../../src/engine/segment/block_encoder.ts'
let forged: 'timestamp' | 'created' | undefined
let shard: typeof shards

beforeAll(async () => {
  // Other tests of the same process have loaded the real module.
  vi.resetModules()
  vi.doMock(path, async (original) => {
    const real = await original<typeof encoder>()
    return {
      encodeSegmentBlock(...given: Parameters<typeof real.encodeSegmentBlock>) {
        const block = real.encodeSegmentBlock(...given)
        return forged === undefined ? block : { ...block, head: forgedHead(block.head, block.meta, forged) }
      },
    }
  })
  shard = await import('./shard_world.ts')
})

afterAll(() => {
  vi.doUnmock(path)
  vi.resetModules()
})

const texts = ['a', 'b', 'c', 'd', 'e', 'f']

test.each(['timestamp', 'created'] as const)('a rewrite whose segment states a wrong range of %s keeps its sources', async (column) => {
  const { append, batch, identity, row, startMs, visible, world } = shard
  const here = world()
  for (const [i, text] of texts.entries()) {
    append(here.core, batch([row(text, { timestampMs: startMs + i * i * 7919 })], undefined, 'body', startMs + i * i * 104_729))
  }
  forged = column
  await expect(here.core.sealNow(identity)).rejects.toThrow('cannot be read back')
  expect(here.objects.objects.size).toBe(0)
  expect(here.core.segments(identity)).toMatchObject({ sealedSeq: 0, damaged: [] })
  expect(visible(here, here.open()).map(({ message }) => message)).toEqual(texts)
  forged = undefined
  expect(await here.core.sealNow(identity)).toMatchObject({ sealedSeq: texts.length, damaged: [] })
  expect(visible(here, here.open()).map(({ message }) => message)).toEqual(texts)
})
