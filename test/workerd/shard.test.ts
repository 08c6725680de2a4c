import { env, evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { expect, test } from 'vitest'
import { accessRows, encodeRows, row } from '../support/rows.ts'

const range = { fromMs: 0, toMs: 1e13 }

/** A shard that no other test knows. */
function newShard() {
  const identity = { organizationId: crypto.randomUUID(), region: 'weur', shard: 7 }
  const stub = env.LOG_SHARD.getByName(`${identity.organizationId}/weur/7`)
  const search = (q = '') => stub.search({ identity, q, range, order: 'oldest', limit: 5000, budgetBytes: 2 ** 28 })
  return { identity, stub, search }
}

test('what was acknowledged is there when the object is evicted and wakes again', async () => {
  const { identity, stub, search } = newShard()
  const batch = { identity, blocks: encodeRows(accessRows(2000)), idempotency: { keyHash: 'ab'.repeat(32), bodyHash: 'cd', rejected: 3 } }
  expect(await stub.append(batch)).toEqual({ status: 'stored', firstSeq: 1, accepted: 2000, rejected: 3 })
  await stub.changeRow(identity, 5, {
    message: 'changed',
    attributes: {
      replace: true,
      entries: [
        ['big', 2n ** 70n],
        ['__proto__', 'x'],
      ],
    },
  })
  await stub.deleteRow(identity, 6)
  const before = await search()
  await evictDurableObject(stub)
  expect(await search()).toEqual(before)
  expect(await stub.append(batch)).toMatchObject({ status: 'replayed', firstSeq: 1, accepted: 2000, rejected: 3 })
  expect(await stub.getRow(identity, 6)).toEqual({ row: null })
  expect(await stub.getRow(identity, 5)).toMatchObject({ row: { message: 'changed', attributes: { big: 2n ** 70n } } })
  const { row: changed } = (await stub.getRow(identity, 5)) as { row: { attributes: object } }
  expect(Object.keys(changed.attributes).sort()).toEqual(['__proto__', 'big'])
})

test('a batch of several blocks is stored whole or not at all', async () => {
  const { identity, stub, search } = newShard()
  await stub.append({ identity, blocks: encodeRows([row({ message: 'before' })]) })
  const good = encodeRows([row({ message: 'good' })])
  const bad = encodeRows([row({ message: 'bad' })]).map((block) => ({ ...block, meta: { ...block.meta, minMs: 0.5 } }))
  await runInDurableObject(stub, async (shard) => {
    await expect(shard.append({ identity, blocks: [...good, ...bad] })).rejects.toThrow('cannot store REAL value')
  })
  expect(await search()).toMatchObject({ maxSeq: 1, rows: [{ message: 'before' }] })
  expect(await stub.append({ identity, blocks: good })).toMatchObject({ firstSeq: 2 })
})

test('two retries that race store the batch once', async () => {
  const { identity, stub, search } = newShard()
  const batch = { identity, blocks: encodeRows(accessRows(100)), idempotency: { keyHash: 'ef'.repeat(32), bodyHash: 'cd', rejected: 0 } }
  const replies = await Promise.all(Array.from({ length: 5 }, () => stub.append(batch)))
  expect(replies.map(({ status }) => status).sort()).toEqual(['replayed', 'replayed', 'replayed', 'replayed', 'stored'])
  expect(await search()).toMatchObject({ maxSeq: 100 })
})

test('a block takes one SQLite row, and a search that the heads rule out reads no body', async () => {
  const { identity, stub, search } = newShard()
  for (let i = 0; i < 5; i++) await stub.append({ identity, blocks: encodeRows(accessRows(500, i)) })
  await runInDurableObject(stub, (_, state) => {
    expect(state.storage.sql.exec('SELECT count(*) AS n FROM blocks').one()).toEqual({ n: 5 })
  })
  expect(await search('wordthatnobodywrote')).toMatchObject({ rows: [], cost: { blocksSkipped: 5, blocksRead: 0, bytesDecompressed: 0 } })
})

test('another identity under the same name is refused', async () => {
  const { identity, stub } = newShard()
  await stub.append({ identity, blocks: encodeRows([row()]) })
  await runInDurableObject(stub, async (shard) => {
    await expect(shard.getRow({ ...identity, organizationId: 'other' }, 1)).rejects.toThrow('this shard is')
  })
})
