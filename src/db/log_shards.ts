import { asc, eq, sql } from 'drizzle-orm'
import type { OpenShard, Region } from '../config.ts'
import { shardName } from '../core/ids.ts'
import { shardCacheEntriesMax, shardNumberMax } from '../core/limits.ts'
import { problem } from '../core/problems.ts'
import type { BaseCtx } from './context.ts'
import { logShards } from './schema.ts'
import { inTenant } from './tenant.ts'

export interface LogShardRow {
  region: string
  number: number
}

/** The Durable Object of a shard; made near its region when it is new. `organizationId` must be the authenticated one. */
export function openLogShard({ env }: Pick<BaseCtx, 'env'>, organizationId: string, { region, number }: LogShardRow): OpenShard {
  const identity = { organizationId, region, shard: number }
  const stub = env.LOG_SHARD.getByName(shardName(identity), { locationHint: region as Region })
  return { identity, rpc: stub }
}

/** Every shard of the organization, by number. */
export async function listLogShards(ctx: BaseCtx, organizationId: string): Promise<LogShardRow[]> {
  return selectLogShards(ctx, organizationId)
}

/** The same as a statement for a batch. */
export function selectLogShards(ctx: BaseCtx, organizationId: string) {
  return ctx.db
    .select({ region: logShards.region, number: logShards.number })
    .from(logShards)
    .where(inTenant({ tenant: { organizationId } }, logShards))
    .orderBy(asc(logShards.number))
}

/** `organization/region` to the shard's number: a shard's row never changes, so an isolate need ask only once. */
const known = new Map<string, number>()

/** The shard that the organization's logs of this region go to; registered on first use, before anything is stored in it. */
export async function findOrCreateLogShard(ctx: BaseCtx, organizationId: string, region: Region): Promise<LogShardRow> {
  const key = `${organizationId}/${region}`
  const cached = known.get(key)
  if (cached !== undefined) return { region, number: cached }
  const number = (await find(ctx, organizationId, region)) ?? (await create(ctx, organizationId, region))
  if (known.size >= shardCacheEntriesMax) known.delete(known.keys().next().value ?? key)
  known.set(key, number)
  return { region, number }
}

async function find(ctx: BaseCtx, organizationId: string, region: Region): Promise<number | undefined> {
  const [row] = await ctx.db
    .select({ number: logShards.number })
    .from(logShards)
    .where(inTenant({ tenant: { organizationId } }, logShards, eq(logShards.region, region)))
    .orderBy(asc(logShards.number))
    .limit(1)
  return row?.number
}

/** One statement takes the next number only if the region still has none, so that requests that race agree. */
async function create(ctx: BaseCtx, organizationId: string, region: Region): Promise<number> {
  const own = inTenant({ tenant: { organizationId } }, logShards)
  await ctx.db.run(sql`
    insert into log_shards (organization_id, number, region, created_at)
    select ${organizationId}, coalesce((select max(number) + 1 from log_shards where ${own}), 0), ${region}, ${ctx.now()}
    where not exists (select 1 from log_shards where ${own} and region = ${region})
  `)
  const number = await find(ctx, organizationId, region)
  if (number === undefined || number > shardNumberMax)
    throw problem('unavailable', 'The log store cannot take a new region for this organization.')
  return number
}
