import { expect, it } from 'vitest'
import { regions } from '../../src/config.ts'
import { findOrCreateLogShard, listLogShards } from '../../src/db/log_shards.ts'
import { logShards } from '../../src/db/schema.ts'
import { createWorld, testCtx } from '../support/world.ts'

it('the first batch from a region registers one shard for it, also when requests race', async () => {
  const { organizationId } = await createWorld()
  const ctx = testCtx()
  const found = await Promise.all(
    Array.from({ length: 4 }, () => regions.map((region) => findOrCreateLogShard(ctx, organizationId, region))).flat(),
  )
  const listed = await listLogShards(ctx, organizationId)
  expect(listed.map(({ number }) => number)).toEqual(regions.map((_, number) => number))
  expect(new Set(listed.map(({ region }) => region))).toEqual(new Set(regions))
  for (const row of found) expect(listed).toContainEqual(row)
})

it('a shard that another isolate registered is found', async () => {
  const { organizationId } = await createWorld()
  const ctx = testCtx()
  await ctx.db.insert(logShards).values({ organizationId, number: 7, region: 'oc', createdAt: ctx.now() })
  expect(await findOrCreateLogShard(ctx, organizationId, 'oc')).toEqual({ region: 'oc', number: 7 })
  expect(await findOrCreateLogShard(ctx, organizationId, 'me')).toEqual({ region: 'me', number: 8 })
})

it('shards of another organization are never listed', async () => {
  const [mine, other] = await Promise.all([createWorld(), createWorld()])
  const ctx = testCtx()
  await findOrCreateLogShard(ctx, other.organizationId, 'sam')
  expect(await listLogShards(ctx, mine.organizationId)).toEqual([])
})
