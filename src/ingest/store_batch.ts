import { shardAskedMax, shardRateWindowMs } from '../core/limits.ts'
import { problem } from '../core/problems.ts'
import type { Quota } from '../core/settings.ts'
import { isTemporary } from '../core/temporary.ts'
import type { BatchUsage } from '../core/usage.ts'
import type { TenantCtx } from '../db/context.ts'
import { openLogShard, registerFurther, shardsForIngest } from '../db/log_shards.ts'
import type { KnownShard } from '../db/log_shards.ts'
import type { AppendReply, AppendRequest, LogShardRpc } from '../objects/log-shard/protocol.ts'
import type { AppendSettings, QuotaExceeded } from '../objects/log-shard/control/protocol_control.ts'
import { chooseShards } from './choose_shard.ts'

export type Stored = Extract<AppendReply, { accepted: number }>

/** Stores a batch in a shard of the caller's organization in this region; answers the shard's number and what it said. */
export async function storeBatch(
  ctx: TenantCtx,
  batch: Omit<AppendRequest, 'identity' | 'settings'>,
): Promise<{ shard: number; reply: Stored }> {
  const { organizationId } = ctx.tenant
  const shards = await shardsForIngest(ctx, organizationId, ctx.region)
  const chosen = await placeOf(ctx, chooseShards(shards, ctx.region, batch.idempotency?.keyHash, ctx.now()), batch.idempotency?.keyHash)
  const { identity, rpc } = openLogShard(ctx, organizationId, chosen)
  const reply = await append(ctx, rpc, { ...batch, identity, settings: settingsOf(ctx, shards) })
  if (reply.status === 'stored' && reply.busy) askForFurther(ctx)
  return { shard: identity.shard, reply }
}

/** Counts a batch of which nothing can be kept, behind the answer. */
export function countRefused(ctx: TenantCtx, usage: BatchUsage): void {
  const { organizationId } = ctx.tenant
  const count = async () => {
    const shards = await shardsForIngest(ctx, organizationId, ctx.region)
    const [shard] = chooseShards(shards, ctx.region, undefined, ctx.now())
    if (shard === undefined) return
    const { identity, rpc } = openLogShard(ctx, organizationId, shard)
    await rpc.countRefused(identity, usage)
  }
  ctx.waitUntil(count())
}

/** The first of the chosen shards, unless one that was the choice before shards were added has stored the batch. */
async function placeOf(ctx: TenantCtx, [first, ...former]: readonly KnownShard[], keyHash: string | undefined): Promise<KnownShard> {
  if (first === undefined) throw new RangeError('no shard was chosen')
  if (keyHash === undefined) return first
  for (const shard of former) {
    const { identity, rpc } = openLogShard(ctx, ctx.tenant.organizationId, shard)
    const { known } = await acknowledged(rpc.knowsKey(identity, keyHash))
    if (known) return shard
  }
  return first
}

/** One call and no second try: without a key a repeat could store twice, with one the producer's own retry is safe. */
async function append(ctx: TenantCtx, rpc: LogShardRpc, request: AppendRequest): Promise<Stored> {
  const reply = await acknowledged(rpc.append(request))
  switch (reply.status) {
    case 'stored':
    case 'replayed':
      return reply
    case 'key_reused':
      throw problem('idempotency_key_reused', 'This Idempotency-Key was used for another body within 24 hours.')
    case 'key_moved':
      throw problem('unavailable', 'The log store is being extended. Send the batch again with the same Idempotency-Key.')
    case 'shard_full':
      askForFurther(ctx)
      throw problem('shard_full', `Nothing was stored. ${reply.detail}`)
    case 'quota_exceeded':
      throw quotaExceeded(reply, request.usage)
  }
}

/** Turns a shard that could not be reached into a problem; a fault of ours would be the same each time. */
async function acknowledged<T>(call: Promise<T>): Promise<T> {
  return call.catch((cause: unknown) => {
    if (!isTemporary(cause)) throw cause
    throw problem('unavailable', 'The log store did not acknowledge the batch. Send it again with the same Idempotency-Key.', { cause })
  })
}

const limitNames: Readonly<Record<keyof Quota, string>> = {
  rowsPerMinute: 'rows_per_minute',
  bytesPerMinute: 'bytes_per_minute',
  rowsPerMonth: 'rows_per_month',
  bytesPerMonth: 'bytes_per_month',
}

function quotaExceeded({ limit, value, usage, retryAfterMs }: QuotaExceeded, { stored }: BatchUsage) {
  const name = limitNames[limit]
  const need = name.startsWith('rows') ? stored.rows : stored.bytes
  const seconds = Math.max(1, Math.ceil(retryAfterMs / 1000))
  return problem('quota_exceeded', `The quota ${name} is ${value}; ${usage} are used and this batch has ${need}, so nothing was stored.`, {
    details: { [name]: [`limit ${value}`, `usage ${usage}`, `batch ${need}`] },
    headers: { 'Retry-After': String(seconds) },
  })
}

function settingsOf({ tenant, config }: TenantCtx, shards: readonly KnownShard[]): AppendSettings {
  const { quota, retentionDays, version } = tenant.logSettings
  const defaults = config.quota
  const limits: Quota = {
    rowsPerMinute: quota.rowsPerMinute ?? defaults.rowsPerMinute,
    bytesPerMinute: quota.bytesPerMinute ?? defaults.bytesPerMinute,
    rowsPerMonth: quota.rowsPerMonth ?? defaults.rowsPerMonth,
    bytesPerMonth: quota.bytesPerMonth ?? defaults.bytesPerMonth,
  }
  const [ledger] = shards
  if (ledger === undefined) throw new RangeError('the organization has no shard')
  return {
    quota: Object.values(limits).every((limit) => limit === null) ? null : limits,
    retentionDays,
    version,
    ledger: { organizationId: tenant.organizationId, region: ledger.region, shard: ledger.number },
    shards: shards.length,
  }
}

/** When this isolate last asked for one more shard, by organization and region; each busy batch would ask D1 otherwise. */
const askedMs = new Map<string, number>()

function askForFurther(ctx: TenantCtx): void {
  const { organizationId } = ctx.tenant
  const key = `${organizationId}/${ctx.region}`
  if ((askedMs.get(key) ?? 0) > ctx.now() - shardRateWindowMs) return
  if (askedMs.size >= shardAskedMax) askedMs.clear()
  askedMs.set(key, ctx.now())
  ctx.waitUntil(registerFurther(ctx, organizationId, ctx.region))
}
