import type { BatchUsage } from '../../core/usage.ts'
import { refusedUsage } from '../../core/usage_sum.ts'
import { createLeaseTurns } from './lease_turns.ts'
import { createMovedKeys } from './moved_keys.ts'
import type { AppendReply, AppendRequest, ShardIdentity } from './protocol.ts'
import type { LeaseReply, LeaseRequest, QuotaExceeded } from './protocol_control.ts'
import type { LeaseNeeded } from './quota.ts'
import { createQuotaKeeper } from './quota.ts'
import type { IngestLimits } from './rate.ts'
import { createIngestRate } from './rate.ts'
import type { Sql } from './sql.ts'
import { createUsageLedger } from './usage.ts'
import { createUsageStore } from './usage_store.ts'

export interface ControlDeps {
  sql: Sql
  limits: IngestLimits
  /** Asks another shard of the organization, its ledger. */
  askLedger(ledger: ShardIdentity, request: LeaseRequest): Promise<LeaseReply>
}

export type ShardControl = ReturnType<typeof createShardControl>

/** An answer to a batch before anything of it is stored. */
export type Refusal = QuotaExceeded | LeaseNeeded | { status: 'key_moved' }

/** Usage, quota, load and moved keys of one shard: all that decides on a batch beside its content. */
export function createShardControl({ sql, limits, askLedger }: ControlDeps) {
  const store = createUsageStore(sql)
  const usage = createUsageLedger(store)
  const quota = createQuotaKeeper(store, usage)
  const rate = createIngestRate(limits)
  const moved = createMovedKeys()
  const withLease = createLeaseTurns()

  return {
    usage,
    quota,
    moved,

    /**
     * Runs `attempt`, which stores the batch or says why not, and counts what was refused. At once, unless the quota needs
     * a word of the ledger: then `attempt` runs again once that has come.
     */
    append(request: AppendRequest, now: () => number, attempt: () => AppendReply | LeaseNeeded): AppendReply | Promise<AppendReply> {
      const { ledger } = request.settings
      const count = (reply: AppendReply) => countRefusal(reply, request.usage, now())
      const reply = withLease<AppendReply>({
        attempt,
        ask: (lease) => askLedger(ledger, lease),
        take: quota.take,
        refuse: (refusal) => refusal,
      })
      return reply instanceof Promise ? reply.then(count) : count(reply)
    },

    /** Why a batch that is not stored yet must not be. To be asked right before it is stored. */
    refusalOf({ identity, idempotency, usage: { stored }, settings }: AppendRequest, nowMs: number): Refusal | undefined {
      if (idempotency !== undefined && moved.has(idempotency.keyHash, nowMs)) return { status: 'key_moved' }
      return quota.check(stored, settings, identity, nowMs)
    },

    /** Counts a batch once it is stored. Answers whether the shard is busy. */
    stored(request: AppendRequest, firstSeq: number, bytes: number, nowMs: number): boolean {
      usage.countStored(request.usage, firstSeq, nowMs)
      return rate.note(bytes, nowMs)
    },
  }

  function countRefusal(reply: AppendReply, batch: BatchUsage, nowMs: number): AppendReply {
    if (reply.status === 'quota_exceeded') usage.countRefused(refusedUsage(batch, 'quota_exceeded'), nowMs)
    else if (reply.status === 'shard_full') usage.countRefused(refusedUsage(batch, 'shard_full'), nowMs)
    else if (reply.status === 'key_reused') usage.countRefused(refusedUsage(batch, 'idempotency_key_reused'), nowMs)
    return reply
  }
}
