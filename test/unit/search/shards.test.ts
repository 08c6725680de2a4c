import { describe, expect, test } from 'vitest'
import { fanOutMax } from '../../../src/core/limits.ts'
import type { TenantCtx } from '../../../src/db/context.ts'
import type { Damaged } from '../../../src/objects/log-shard/protocol.ts'
import type { Shard } from '../../../src/search/shards.ts'
import { ask, askAll } from '../../../src/search/shards.ts'

const errors: string[] = []
const ctx = { log: { error: (message: string) => void errors.push(message) } } as unknown as TenantCtx
const shards = (count: number): Shard[] =>
  Array.from({ length: count }, (_, i) => ({ identity: { organizationId: 'o', region: 'weur', shard: i }, rpc: {} as Shard['rpc'] }))
const shard = shards(1)[0] as Shard
const failure = (marks: object) => Object.assign(new Error('gone'), marks)

describe('a call to a shard', () => {
  test('is made once more when the object moved, and then answers', async () => {
    let calls = 0
    const reply = await ask(ctx, shard, async () => {
      if (++calls === 1) throw failure({ retryable: true })
      return { count: 3 }
    })
    expect(reply).toEqual({ count: 3 })
    expect(calls).toBe(2)
  })

  test.each([
    ['moves again', 2, { retryable: true }],
    ['has too much to do', 1, { retryable: true, overloaded: true }],
  ])('ends with the error of the platform when the object %s, after %i calls', async (_, expected, marks) => {
    let calls = 0
    const call = ask(ctx, shard, () => {
      calls++
      return Promise.reject(failure(marks))
    })
    await expect(call).rejects.toMatchObject(marks)
    expect(calls).toBe(expected)
  })

  test('is not repeated, nor hidden, when the shard itself is at fault', async () => {
    let calls = 0
    const call = ask(ctx, shard, () => {
      calls++
      return Promise.reject(new TypeError('a bug'))
    })
    await expect(call).rejects.toThrow('a bug')
    expect(calls).toBe(1)
  })

  test('is a 503 that names the block when one is damaged, and is logged', async () => {
    const call = ask(ctx, shard, async (): Promise<{ count: number } | Damaged> => ({ damaged: 'block 7: bad' }))
    await expect(call).rejects.toMatchObject({ code: 'damaged_block', detail: expect.stringContaining('block 7') as unknown })
    expect(errors).toEqual(['damaged block'])
  })
})

test('all shards are asked, a few at a time, and the answers keep their order', async () => {
  let running = 0
  let most = 0
  const replies = await askAll(ctx, shards(20), async ({ identity }) => {
    most = Math.max(most, ++running)
    await new Promise<void>((resolve) => setImmediate(resolve))
    running--
    return { shard: identity.shard }
  })
  expect(replies.map((reply) => reply.shard)).toEqual(Array.from({ length: 20 }, (_, i) => i))
  expect(most).toBe(fanOutMax)
})
