import { asc, sql } from 'drizzle-orm'
import type { OpenShard, Region } from '../config.ts'
import { shardName } from '../core/ids.ts'
import { shardAddMs, shardCacheEntriesMax, shardListCacheMs, shardNumberMax, shardsPerRegionMax } from '../core/limits.ts'
import { problem } from '../core/problems.ts'
import type { BaseCtx } from './context.ts'
import { logShards } from './schema.ts'
import { inTenant } from './tenant.ts'

export interface LogShardRow {
  region: string
  number: number
}

export interface KnownShard extends LogShardRow {
  createdAt: number
}

/** The Durable Object of a shard; made near its region when it is new. `organizationId` must be the authenticated one. */
export function openLogShard({ env }: Pick<BaseCtx, 'env'>, organizationId: string, { region, number }: LogShardRow): OpenShard {
  const identity = { organizationId, region, shard: number }
  const stub = env.LOG_SHARD.getByName(shardName(identity), { locationHint: region as Region })
  return { identity, rpc: stub }
}

/** Every shard of the organization, by number, as D1 has them now: what queries ask, so that none is ever missed. */
export async function listLogShards(ctx: BaseCtx, organizationId: string): Promise<KnownShard[]> {
  return selectLogShards(ctx, organizationId)
}

/** The same as a statement for a batch. */
export function selectLogShards(ctx: BaseCtx, organizationId: string) {
  return ctx.db
    .select({ region: logShards.region, number: logShards.number, createdAt: logShards.createdAt })
    .from(logShards)
    .where(inTenant({ tenant: { organizationId } }, logShards))
    .orderBy(asc(logShards.number))
}

/** Lists that ingest uses, by organization, oldest first. */
const known = new Map<string, { shards: KnownShard[]; untilMs: number }>()

/**
 * The organization's shards for ingest, by number, at least one of them in `region`: one is registered there on first use,
 * before anything is stored in it. The list is at most `shardListCacheMs` old.
 */
export async function shardsForIngest(ctx: BaseCtx, organizationId: string, region: Region): Promise<KnownShard[]> {
  const cached = known.get(organizationId)
  if (cached !== undefined && cached.untilMs > ctx.now() && hasRegion(cached.shards, region)) return cached.shards
  const askedMs = ctx.now()
  let shards = await listLogShards(ctx, organizationId)
  if (!hasRegion(shards, region)) {
    await registerFirst(ctx, organizationId, region)
    shards = await listLogShards(ctx, organizationId)
  }
  if (!hasRegion(shards, region) || shards.some(({ number }) => number > shardNumberMax))
    throw problem('unavailable', 'The log store cannot take a new region for this organization.')
  known.delete(organizationId)
  known.set(organizationId, { shards, untilMs: askedMs + shardListCacheMs })
  if (known.size > shardCacheEntriesMax) known.delete(known.keys().next().value ?? organizationId)
  return shards
}

function hasRegion(shards: readonly KnownShard[], region: Region): boolean {
  return shards.some((shard) => shard.region === region)
}

/** One statement takes the next number only if the region still has none, so that requests that race agree. */
async function registerFirst(ctx: BaseCtx, organizationId: string, region: Region): Promise<void> {
  const own = inTenant({ tenant: { organizationId } }, logShards)
  await register(ctx, organizationId, region, sql`not exists (select 1 from log_shards where ${own} and region = ${region})`)
}

/**
 * One more shard for a region whose shards are busy, unless it has `shardsPerRegionMax`, or one that is too new to have
 * had an effect. It is the condition of the one statement that decides, however many requests ask.
 */
export async function registerFurther(ctx: BaseCtx, organizationId: string, region: Region): Promise<void> {
  const inRegion = sql`from log_shards where ${inTenant({ tenant: { organizationId } }, logShards)} and region = ${region}`
  const room = sql`(select count(*) ${inRegion}) between 1 and ${shardsPerRegionMax - 1}`
  const settled = sql`(select max(created_at) ${inRegion}) <= ${ctx.now() - shardAddMs}`
  await register(ctx, organizationId, region, sql`${room} and ${settled}`)
}

function register(ctx: BaseCtx, organizationId: string, region: Region, condition: ReturnType<typeof sql>) {
  const own = inTenant({ tenant: { organizationId } }, logShards)
  return ctx.db.run(sql`
    insert into log_shards (organization_id, number, region, created_at)
    select ${organizationId}, coalesce((select max(number) + 1 from log_shards where ${own}), 0), ${region}, ${ctx.now()}
    where ${condition}
  `)
}
