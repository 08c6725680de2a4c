import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { expect, test } from 'vitest'
import { accessRows, encodeRows, row } from '../support/rows.ts'
import { newShard } from '../support/shard_objects.ts'

test('what was acknowledged is there when the object is evicted and wakes again', async () => {
  const { identity, stub, hot, ...shard } = newShard()
  const batch = shard.batch(accessRows(2000), { keyHash: 'ab'.repeat(32), bodyHash: 'cd'.repeat(32), rejected: 3 })
  expect(await stub.append(batch)).toMatchObject({ status: 'stored', firstSeq: 1, accepted: 2000, rejected: 3, busy: false })
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
  const before: Record<string, unknown> = { ...(await hot()) }
  // Waking costs reads of its own.
  delete before['spent']
  await evictDurableObject(stub)
  expect(await hot()).toMatchObject(before)
  expect(await stub.append(batch)).toMatchObject({ status: 'replayed', firstSeq: 1, accepted: 2000, rejected: 3 })
  expect(await stub.getRow(identity, 6)).toEqual({ row: null })
  expect(await stub.getRow(identity, 5)).toMatchObject({ row: { message: 'changed', attributes: { big: 2n ** 70n } } })
  const { row: changed } = (await stub.getRow(identity, 5)) as { row: { attributes: object } }
  expect(Object.keys(changed.attributes).sort()).toEqual(['__proto__', 'big'])
})

test('a batch of several blocks is stored whole or not at all', async () => {
  const { identity, stub, hot, append, batch } = newShard()
  await append([row({ message: 'before' })])
  const good = encodeRows([row({ message: 'good' })])
  const bad = encodeRows([row({ message: 'bad' })]).map((block) => ({ ...block, meta: { ...block.meta, minMs: 0.5 } }))
  await runInDurableObject(stub, async (shard) => {
    await expect(shard.append({ ...batch([]), identity, blocks: [...good, ...bad] })).rejects.toThrow('cannot store REAL value')
  })
  expect(await hot()).toMatchObject({ maxSeq: 1, rows: [{ message: 'before' }] })
  expect(await stub.append({ ...batch([]), blocks: good })).toMatchObject({ firstSeq: 2 })
})

test('two retries that race store the batch once', async () => {
  const { stub, hot, ...shard } = newShard()
  const batch = shard.batch(accessRows(100), { keyHash: 'ef'.repeat(32), bodyHash: 'cd'.repeat(32), rejected: 0 })
  const replies = await Promise.all(Array.from({ length: 5 }, () => stub.append(batch)))
  expect(replies.map(({ status }) => status).sort()).toEqual(['replayed', 'replayed', 'replayed', 'replayed', 'stored'])
  expect(await hot()).toMatchObject({ maxSeq: 100 })
})

test('a block takes one SQLite row, and a search that the heads rule out reads no body', async () => {
  const { stub, hot, append } = newShard()
  for (let i = 0; i < 5; i++) await append(accessRows(500, i))
  await runInDurableObject(stub, (_, state) => {
    expect(state.storage.sql.exec('SELECT count(*) AS n FROM blocks_1').one()).toEqual({ n: 5 })
  })
  expect(await hot('wordthatnobodywrote')).toMatchObject({ rows: [], cost: { blocksSkipped: 5, blocksRead: 0, bytesDecompressed: 0 } })
})

test('another identity under the same name is refused', async () => {
  const { identity, stub, append } = newShard()
  await append([row()])
  await runInDurableObject(stub, async (shard) => {
    await expect(shard.getRow({ ...identity, organizationId: 'other' }, 1)).rejects.toThrow('this shard is')
  })
})
