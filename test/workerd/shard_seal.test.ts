import { env, evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { expect, test } from 'vitest'
import { accessRows, row } from '../support/rows.ts'
import { newShard } from '../support/shard_objects.ts'

const content = ({ seq, message }: { seq: number; message: string }) => [seq, message]

test('an alarm seals what is hot, and each row is found once before and after, also by an object that wakes anew', async () => {
  const { stub, identity, append, rows } = newShard()
  for (let i = 0; i < 3; i++) await append(accessRows(500, i))
  const before = await rows()
  expect(before).toHaveLength(1500)
  expect(await runDurableObjectAlarm(stub)).toBe(true)
  // Not old enough yet: the alarm was early.
  expect((await stub.segments(identity)).segments).toEqual([])
  const sealed = await stub.sealNow(identity)
  expect(sealed).toMatchObject({ sealedSeq: 1500, hot: { blocks: 0, rows: 0, bytes: 0 }, damaged: [] })
  expect(sealed.segments).toHaveLength(1)
  expect(await rows()).toEqual(before)
  await evictDurableObject(stub)
  expect(await rows()).toEqual(before)
  expect(await append([row({ message: 'next' })])).toMatchObject({ firstSeq: 1501 })
})

test('an idle shard has no alarm', async () => {
  const { stub, identity, append } = newShard()
  await append(accessRows(10))
  await stub.sealNow(identity)
  await runInDurableObject(stub, async (_, state) => {
    expect(await state.storage.getAlarm()).toBeNull()
  })
  expect(await runDurableObjectAlarm(stub)).toBe(false)
})

test('an object in the bucket is what the manifest says of it', async () => {
  const { stub, identity, append } = newShard()
  await append(accessRows(2000))
  const { segments, manifest } = await stub.sealNow(identity)
  const [meta] = segments
  const object = await env.STORAGE.get(meta!.key)
  const bytes = await object!.arrayBuffer()
  const digest = await crypto.subtle.digest('SHA-256', bytes)
  expect(bytes.byteLength).toBe(meta!.bytes)
  expect(Buffer.from(digest).toString('hex')).toBe(meta!.sha256)
  const page = await stub.manifest(identity, { afterNumber: 0, limit: 10 })
  expect(page.operations).toMatchObject([{ number: 1, kind: 'seal', sealed: { fromSeq: 1, toSeq: 2000 }, hash: manifest.hash }])
})

test('a deleted and an edited row of a segment, and a delete by query, hold before and after they are folded in', async () => {
  const { stub, identity, append, rows } = newShard()
  await append(['a', 'b', 'secret one', 'd', 'secret two'].map((message) => row({ message })))
  await stub.sealNow(identity)
  const stored = await rows()
  const [meta] = (await stub.segments(identity)).segments
  const sealed = (seq: number) => ({ segment: meta!.key, row: stored[seq - 1]! })
  expect(await stub.deleteRow(identity, 1)).toMatchObject({ status: 'sealed', segments: [{ key: meta!.key }] })
  expect(await stub.deleteRow(identity, 1, sealed(1))).toEqual({ status: 'deleted' })
  expect(await stub.changeRow(identity, 2, { message: 'edited' }, sealed(2))).toMatchObject({ status: 'changed' })
  expect((await rows()).map(content)).toEqual([
    [2, 'edited'],
    [3, 'secret one'],
    [4, 'd'],
    [5, 'secret two'],
  ])
  await stub.startErase(identity, { id: 'erasure', q: 'secret', range: { fromMs: 0, toMs: 1e13 } })
  expect(await stub.eraseProgress(identity, 'erasure')).toMatchObject({ status: 'running' })
  expect(await runDurableObjectAlarm(stub)).toBe(true)
  await stub.sealNow(identity)
  expect(await stub.eraseProgress(identity, 'erasure')).toEqual({ status: 'done', erased: 2, damaged: 0 })
  expect((await rows()).map(content)).toEqual([
    [2, 'edited'],
    [4, 'd'],
  ])
  const { operations } = await stub.manifest(identity, { afterNumber: 1, limit: 10 })
  expect(operations.map(({ kind, gone }) => [kind, gone.deleted, gone.erased])).toEqual([['fold', 1, 2]])
})

test('a tail that resumes behind sealed rows gets them in the order of their numbers', async () => {
  const { stub, identity, append } = newShard()
  const now = Date.now()
  await append([2, 1, 3].map((second) => row({ message: `second ${second}`, timestampMs: now + second * 1000 })))
  await stub.sealNow(identity)
  await append([row({ message: 'hot' })])
  const first = await stub.blocksAfter(identity, 0, 1e6, 0)
  expect(first).toMatchObject({ lastSeq: 4, blocks: [{ meta: { firstSeq: 1, rows: 3 } }] })
  const second = await stub.blocksAfter(identity, 3, 1e6, 0)
  expect(second).toMatchObject({ lastSeq: 4, blocks: [{ meta: { firstSeq: 4, rows: 1 } }] })
})

test('a million logs in batches of 1,000 take fewer than 2,000 billed rows, sealing included', async () => {
  const { stub, identity, batch } = newShard()
  // A tenth of it: what is written once is then counted ten times.
  const batches = 100
  const request = batch(accessRows(1000))
  await stub.append(batch([row()]))
  const written = await runInDurableObject(stub, async (shard, state) => {
    const { exec } = state.storage.sql
    let rows = 0
    state.storage.sql.exec = ((...args: Parameters<typeof exec>) => {
      const cursor = exec.apply(state.storage.sql, args)
      // Rows are written as the statement runs; DDL and DML run at once.
      rows += cursor.rowsWritten
      return cursor
    }) as typeof exec
    for (let i = 0; i < batches; i++) await shard.append(request)
    await shard.sealNow(identity)
    return rows
  })
  expect(written).toBeGreaterThanOrEqual(batches)
  expect(written * (1000 / batches)).toBeLessThan(2000)
})

test('alarms alone do all that is due, one job each, and then there is none', async () => {
  const { stub, identity, append, rows } = newShard()
  for (let i = 0; i < 3; i++) await append([row({ message: `secret ${i}` }), row({ message: `plain ${i}` })])
  await stub.startErase(identity, { id: 'erasure', q: 'secret', range: { fromMs: 0, toMs: 1e13 } })
  let alarms = 0
  while ((await stub.eraseProgress(identity, 'erasure')).status === 'running') {
    expect(await runDurableObjectAlarm(stub)).toBe(true)
    expect((await rows()).length).toBeLessThanOrEqual(6)
    if (++alarms > 10) throw new Error('the erasure does not end')
  }
  expect(await stub.eraseProgress(identity, 'erasure')).toEqual({ status: 'done', erased: 3, damaged: 0 })
  expect((await rows()).map(({ message }) => message)).toEqual(['plain 0', 'plain 1', 'plain 2'])
  await runInDurableObject(stub, async (_, state) => {
    expect(await state.storage.getAlarm()).toBeNull()
  })
})
