import { fanOutMax, queryBudgetBytes } from '../core/limits.ts'
import { problem } from '../core/problems.ts'
import type { TenantCtx } from '../db/context.ts'
import { listLogShards, openLogShard } from '../db/log_shards.ts'
import type { Damage, Operation, TimeRange } from '../engine/query/types.ts'
import type { LogShardRpc, QueryReply, ShardIdentity, Unanswered } from '../objects/log-shard/protocol.ts'
import type { QueryDeps } from './query_deps.ts'

/** One shard of the caller's organization; `rpc` reaches its Durable Object. */
export interface Shard {
  identity: ShardIdentity
  rpc: LogShardRpc
}

/** Every shard that the caller's organization has. The names come from the authenticated tenant and nowhere else. */
export async function shardsOf(ctx: TenantCtx): Promise<Shard[]> {
  const { organizationId } = ctx.tenant
  const shards = await listLogShards(ctx, organizationId)
  return shards.map((row) => openLogShard(ctx, organizationId, row))
}

/** What a query is about, whatever it computes. */
export interface Question {
  q: string
  range: TimeRange
  /** The newest row that each shard may show; undefined: what it has now. A shard that is not named came later and is not asked. */
  snapshot?: ReadonlyMap<number, number> | undefined
}

export interface ShardReply {
  shard: Shard
  reply: QueryReply
}

/** What the shards hold themselves, and the segments that they name. `lines`: rows of a search as lines of NDJSON. */
export async function askShards(
  deps: QueryDeps,
  shards: readonly Shard[],
  { q, range, snapshot }: Question,
  operation: Operation,
  lines = false,
): Promise<ShardReply[]> {
  const { keepFromMs } = deps
  const asked = shards.filter(({ identity }) => snapshot?.has(identity.shard) ?? true)
  const replies = await askAll(deps, asked, ({ rpc, identity }) => {
    const maxSeq = snapshot?.get(identity.shard)
    return rpc.query({ identity, q, range, maxSeq, keepFromMs, budgetBytes: queryBudgetBytes, operation, lines })
  })
  return replies.map((reply, i) => ({ shard: asked[i]!, reply: { ...reply, damaged: placed(reply.damaged, asked[i]!) } }))
}

/** Hot blocks of different shards have the same names; what tells them apart is put in front. */
function placed(damaged: readonly Damage[], { identity: { region, shard } }: Shard): Damage[] {
  return damaged.map(({ segment, reason }) => ({ segment: `${region}/${shard} ${segment}`, reason }))
}

/** The newest row that each shard showed, for what is asked next of the same moment. */
export function snapshotOf(replies: readonly ShardReply[]): ReadonlyMap<number, number> {
  return new Map(replies.map(({ shard, reply }) => [shard.identity.shard, reply.maxSeq]))
}

/** Asks every shard, at most `fanOutMax` at once, and answers in the order of `shards`. */
export async function askAll<T extends object>(
  ctx: Pick<TenantCtx, 'log'>,
  shards: readonly Shard[],
  call: (shard: Shard) => Promise<T | Unanswered>,
): Promise<T[]> {
  const replies: T[] = []
  const waiting = shards.entries()
  const worker = async () => {
    // The workers share one iterator, so each shard is asked once.
    for (const [i, shard] of waiting) replies[i] = await ask(ctx, shard, call)
  }
  await Promise.all(Array.from({ length: Math.min(fanOutMax, shards.length) }, worker))
  return replies
}

/** One answer of one shard; damage and a query that takes too much time become problems. One that cannot be reached is a 503 of src/http/problem.ts. */
export async function ask<T extends object>(
  ctx: Pick<TenantCtx, 'log'>,
  shard: Shard,
  call: (shard: Shard) => Promise<T | Unanswered>,
): Promise<T> {
  const reply = await call(shard)
    // A Durable Object that moved or restarted is there again at once; one that has too much to do needs to be left alone.
    .catch((error: unknown) =>
      hasMark(error, 'retryable') && !hasMark(error, 'overloaded') ? call(shard) : Promise.reject(error as Error),
    )
  if ('tooSlow' in reply) throw problem('invalid_query', reply.tooSlow)
  if (!('damaged' in reply && typeof reply.damaged === 'string')) return reply as T
  ctx.log.error('damaged block', new Error(reply.damaged), { ...shard.identity })
  throw problem('damaged_block', `A stored block cannot be read, and an answer without it would be wrong: ${reply.damaged}.`)
}

/** The platform marks its own errors: of an object that moved or restarted, and of one that has too much to do. */
function hasMark(error: unknown, mark: 'retryable' | 'overloaded'): boolean {
  return error instanceof Error && (error as { [name in typeof mark]?: unknown })[mark] === true
}
