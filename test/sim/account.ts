import { minuteOf } from '../../src/core/calendar.ts'
import type { Quota } from '../../src/core/settings.ts'
import type { Volume } from '../../src/core/usage.ts'
import type { AppendReply } from '../../src/objects/log-shard/protocol.ts'
import type { Batch } from './write_operations.ts'
import { holds, same } from './oracle.ts'
import type { ShardHost } from './shard_host.ts'
import type { Organization, SimWorld } from './world.ts'

export type Account = ReturnType<typeof createAccount>

/** What an organization may store, and what it stored: in all, by shard, and in each minute. */
export function createAccount(quota: Quota | null) {
  const shards = new Map<ShardHost, { stored: Volume; received: number; rejected: number }>()
  const minutes = new Map<number, Volume>()

  return {
    quota,
    of: (host: ShardHost) => shards.get(host) ?? { stored: { rows: 0, bytes: 0 }, received: 0, rejected: 0 },
    inMinute: (nowMs: number): Volume => minutes.get(minuteOf(nowMs)) ?? { rows: 0, bytes: 0 },

    add(host: ShardHost, { request: { usage } }: Batch, nowMs: number): void {
      const { stored, received, rejected } = this.of(host)
      shards.set(host, {
        stored: { rows: stored.rows + usage.stored.rows, bytes: stored.bytes + usage.stored.bytes },
        received: received + usage.received.rows,
        rejected: rejected + (usage.rejected.empty ?? 0),
      })
      const minute = this.inMinute(nowMs)
      minutes.set(minuteOf(nowMs), { rows: minute.rows + usage.stored.rows, bytes: minute.bytes + usage.stored.bytes })
    },
  }
}

/** No minute holds more than the quota, however many shards stored in it. */
export function checkQuota(world: SimWorld, { account, id }: Organization): void {
  const limit = account.quota?.rowsPerMinute ?? null
  const { rows } = account.inMinute(world.nowMs())
  // Windows that a clock comes back to may have been forgotten.
  if (limit !== null && !world.config.hasTimeTravel) holds(`${id} stores ${limit} rows a minute at most`, rows <= limit, rows)
}

/** A batch is refused only when it would pass the quota, or when what other shards were granted leaves too little. */
export function checkRefusal(
  world: SimWorld,
  { account, shards }: Organization,
  { rows }: Batch,
  reply: Extract<AppendReply, { status: 'quota_exceeded' }>,
): void {
  holds('a batch is refused for a limit', reply.limit === 'rowsPerMinute' && reply.value === account.quota?.rowsPerMinute, reply)
  holds('a batch is refused for what it would pass', reply.usage + rows.length > reply.value, reply)
  if (shards.length > 1 || world.config.hasTimeTravel) return
  same('the usage that a refusal tells', reply.usage, account.inMinute(world.nowMs()).rows)
}

/** The ledger of usage has every stored batch once; of refused ones it may have lost some with their object. */
export function checkUsage({ account }: Organization, host: ShardHost): void {
  const days = host.core().usage(host.identity, 0, 1_000_000)
  const sum = (of: (usage: (typeof days)[number]['usage']) => number) => days.reduce((total, { usage }) => total + of(usage), 0)
  const { stored, received, rejected } = account.of(host)
  const found = { rows: sum((usage) => usage.stored.rows), bytes: sum((usage) => usage.stored.bytes) }
  same(`the usage of ${host.name}`, found, stored)
  const refused = sum((usage) => (usage.rejected.quota_exceeded ?? 0) + (usage.rejected.idempotency_key_reused ?? 0))
  const inRefused = sum((usage) => usage.rejected.empty ?? 0) - rejected
  holds(`rejected records of ${host.name} are counted`, inRefused >= 0, inRefused)
  same(
    `the records that ${host.name} received`,
    sum((usage) => usage.received.rows),
    received + refused + inRefused,
  )
}
