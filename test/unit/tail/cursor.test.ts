import { serialize } from 'node:v8'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { queryBytesMax, seqMax, shardNumberMax, tailShardsMax } from '../../../src/core/limits.ts'
import { decodeTailCursor, encodeTailCursor } from '../../../src/objects/live-tail/cursor.ts'
import type { Attachment } from '../../../src/objects/live-tail/state.ts'

const positions = fc
  .array(fc.tuple(fc.nat(shardNumberMax), fc.oneof(fc.nat(1000), fc.integer({ min: 0, max: seqMax }))))
  .map((pairs) => new Map(pairs))

test('a cursor decodes to the positions that it was made of', () => {
  fc.assert(
    fc.property(positions, (all) => {
      expect(decodeTailCursor('acme', encodeTailCursor('acme', all))).toEqual(all)
    }),
  )
})

test('anything else is refused, with no error and in bounded time', () => {
  fc.assert(
    fc.property(positions, fc.nat(), fc.string({ minLength: 1, maxLength: 1 }), (all, at, char) => {
      const cursor = encodeTailCursor('acme', all)
      const index = at % cursor.length
      const forged = cursor.slice(0, index) + char + cursor.slice(index + 1)
      const decoded = decodeTailCursor('acme', forged)
      expect(decoded && encodeTailCursor('acme', decoded)).toBe(decoded && forged)
    }),
  )
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(decodeTailCursor('acme', text)).toBeUndefined()
    }),
  )
  expect(decodeTailCursor('acme', 'A'.repeat(16_000))).toBeUndefined()
})

test('the cursor of another organization is refused', () => {
  expect(decodeTailCursor('other', encodeTailCursor('acme', new Map([[1, 5]])))).toBeUndefined()
})

test('the longest query and the most shards fit into the 16 KB that survive hibernation', () => {
  const all = new Map(Array.from({ length: tailShardsMax }, (_, i) => [shardNumberMax - i, seqMax]))
  // One character beyond Latin-1 doubles the size of the whole text.
  const q = `\u{fffd}${'x'.repeat(queryBytesMax - 3)}`
  const attachment: Attachment = {
    organizationId: '01923f00-0000-7000-8000-00000000000a',
    q,
    cursor: encodeTailCursor('acme', all),
    endsMs: 1e13 - 1,
    acking: true,
    dropped: seqMax,
    behind: true,
  }
  expect(serialize(attachment).byteLength).toBeLessThan(16_384)
})
