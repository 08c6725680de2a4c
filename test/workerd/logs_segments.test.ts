import { env } from 'cloudflare:test'
import { createHash } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { shardName } from '../../src/core/ids.ts'
import { row } from '../support/rows.ts'
import { createWorld } from '../support/world.ts'
import type { World } from '../support/world.ts'
import { readSegmentFile } from '../../src/search/storage/segment_file.ts'
import { plainLogSettings } from '../support/usage.ts'
import { ownerWithJobs } from './control_world.ts'
import { storeRows } from './log_store.ts'

let world: World
beforeEach(async () => {
  world = await createWorld()
})

interface Listed {
  results: { shard: number; region: string; segment: { id: string; key: string; rows: number; bytes: number; sha256: string } }[]
  next: string | null
}
interface Operations {
  results: { shard: number; operation: { number: number; kind: string; hash: string; previousHash: string } }[]
  shards: { shard: number; last: { number: number; hash: string } }[]
  next: string | null
}

const base = '/api/v1/logs/segments'
const call = (path: string, headers: Record<string, string> = {}, as = world.owner.accessToken) =>
  world.call(`${base}${path}`, { as, headers })

/** One sealed segment in each region. */
async function sealIn(region: 'weur' | 'apac', shard: number, messages: string[]): Promise<void> {
  await storeRows(
    world,
    messages.map((message) => row({ message })),
    region,
  )
  const identity = { organizationId: world.organizationId, region, shard }
  await env.LOG_SHARD.getByName(shardName(identity)).sealNow(identity)
}

describe('the segments of an organization', () => {
  it('are listed over all shards, page by page, with what made them', async () => {
    expect(await (await call('')).json()).toEqual({ results: [], next: null })
    await sealIn('weur', 0, ['a', 'b'])
    await sealIn('apac', 1, ['c'])
    const all = await (await call('')).json<Listed>()
    expect(all.results.map(({ shard, region, segment }) => [shard, region, segment.rows])).toEqual([
      [0, 'weur', 2],
      [1, 'apac', 1],
    ])
    const first = await (await call('?limit=1')).json<Listed>()
    const second = await (await call(`?limit=1&cursor=${first.next}`)).json<Listed>()
    expect([...first.results, ...second.results]).toEqual(all.results)

    const operations = await (await call('/operations')).json<Operations>()
    expect(operations.results.map(({ shard, operation }) => [shard, operation.number, operation.kind])).toEqual([
      [0, 1, 'seal'],
      [1, 1, 'seal'],
    ])
    expect(operations.shards.map(({ last }) => last.hash)).toEqual(operations.results.map(({ operation }) => operation.hash))
    const page = await (await call('/operations?limit=1')).json<Operations>()
    const next = await (await call(`/operations?limit=1&cursor=${page.next}`)).json<Operations>()
    expect([...page.results, ...next.results]).toEqual(operations.results)
  })

  it('come as files, whole or in a range, with the hash that the list tells', async () => {
    await sealIn('weur', 0, ['a', 'b'])
    const { results } = await (await call('')).json<Listed>()
    const { id, bytes, sha256 } = results[0]!.segment
    const whole = await call(`/${id}/file`)
    const content = Buffer.from(await whole.arrayBuffer())
    expect([whole.status, content.length, createHash('sha256').update(content).digest('hex')]).toEqual([200, bytes, sha256])
    expect(whole.headers.get('ETag')).toBe(`"${sha256}"`)
    const part = await call(`/${id}/file`, { Range: 'bytes=4-9' })
    expect([part.status, part.headers.get('Content-Range')]).toEqual([206, `bytes 4-9/${bytes}`])
    expect(Buffer.from(await part.arrayBuffer())).toEqual(content.subarray(4, 10))
    const beyond = await call(`/${id}/file`, { Range: `bytes=${bytes}-` })
    expect([beyond.status, beyond.headers.get('Content-Range')]).toEqual([416, `bytes */${bytes}`])
  })

  it("are nobody else's, and not for those who only read logs", async () => {
    await sealIn('weur', 0, ['a'])
    const { results } = await (await call('')).json<Listed>()
    const { id } = results[0]!.segment
    const stranger = await createWorld()
    expect((await stranger.call(`${base}/${id}/file`, { as: stranger.owner.accessToken })).status).toBe(404)
    expect(await (await stranger.call(base, { as: stranger.owner.accessToken })).json()).toEqual({ results: [], next: null })
    const viewer = await world.addMember('viewer')
    for (const path of ['', '/operations', `/${id}/file`]) expect((await call(path, {}, viewer.accessToken)).status).toBe(403)
  })

  it.each(['weur.20261122.0-1-1-1-0123456789abcdef', 'weur.20261122.7-1-1-1-0123456789abcdef'])(
    'that are not there, like %s, are not found',
    async (id) => {
      await sealIn('weur', 0, ['a'])
      expect((await call(`/${id}/file`)).status).toBe(404)
    },
  )

  it.each(['..%2f..%2f0', 'weur', 'weur.20261122.x-1-1-1', 'weur.20261122.0-1-1-1-0123456789abcdef%2f..'])(
    'with an id like %s are refused',
    async (id) => {
      expect((await call(`/${id}/file`)).status).toBe(400)
    },
  )

  it.each(['x', '0~', '0', '~a', '9999999~a'])('take no cursor like %s', async (cursor) => {
    for (const path of ['', '/operations']) {
      const response = await call(`${path}?cursor=${cursor}`)
      expect([response.status, (await response.json<{ code: string }>()).code]).toEqual([400, 'invalid_cursor'])
    }
  })

  it('that the object storage has lost say so', async () => {
    await sealIn('weur', 0, ['a'])
    const { results } = await (await call('')).json<Listed>()
    const { id, key } = results[0]!.segment
    await env.STORAGE.delete(key)
    expect((await call(`/${id}/file`)).status).toBe(503)
  })
})

describe('the file of a segment', () => {
  it('is not to be had while an erasure may remove logs from it, nor once all of them have expired', async () => {
    await sealIn('weur', 0, ['secret', 'plain'])
    const { results } = await (await call('')).json<Listed>()
    const { id, key } = results[0]!.segment
    const identity = { organizationId: world.organizationId, region: 'weur', shard: 0 }
    const stored = await env.LOG_SHARD.getByName(shardName(identity)).segments(identity)
    /** Reads the file at this age of its newest row, while these segments are being erased. */
    const read = (ageMs: number, erasing: string[]) => {
      const { ctx } = ownerWithJobs(world, { ...plainLogSettings, retentionDays: 1 })
      const LOG_SHARD = { getByName: () => ({ segments: async () => ({ ...stored, erasing }) }) } as never
      return readSegmentFile({ ...ctx, env: { ...ctx.env, LOG_SHARD }, now: () => stored.segments[0]!.maxCreatedMs + ageMs }, id, undefined)
    }
    expect(stored.erasing).toEqual([])
    const file = await read(86_400_000, [])
    expect(file.status).toBe(200)
    await file.body.cancel()
    await expect(read(0, [key])).rejects.toMatchObject({ code: 'conflict' })
    await expect(read(86_400_001, [])).rejects.toMatchObject({ code: 'not_found' })
  })
})
