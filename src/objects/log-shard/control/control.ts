import type { BatchUsage, RejectReason } from '../../../core/usage.ts'
import { refusedUsage } from '../../../core/usage_sum.ts'
import { createLeaseTurns } from './lease_turns.ts'
import { createMovedKeys } from './moved_keys.ts'
import type { AppendReply, AppendRequest, ShardIdentity } from '../protocol.ts'
import type { LeaseReply, LeaseRequest, QuotaExceeded } from './protocol_control.ts'
import type { LeaseNeeded } from './quota.ts'
import { createQuotaKeeper } from './quota.ts'
import type { IngestLimits } from './rate.ts'
import { createIngestRate } from './rate.ts'
import type { Sql } from '../sql.ts'
import { createUsageLedger } from './usage.ts'
import { createUsageStore } from './usage_store.ts'

export interface ControlDeps {
  sql: Sql
  limits: IngestLimits
  /** Asks another shard of the organization, its ledger. */
  askLedger(ledger: ShardIdentity, request: LeaseRequest): Promise<LeaseReply>
  wait(ms: number): Promise<void>
  /** A refused batch was counted, so that `usage.dueMs` may have changed. */
  counted(): void
}

export type ShardControl = ReturnType<typeof createShardControl>

/** An answer to a batch before anything of it is stored. */
export type Refusal = QuotaExceeded | LeaseNeeded | { status: 'key_moved' }

/** Usage, quota, load and moved keys of one shard: all that decides on a batch beside its content. */
export function createShardControl({ sql, limits, askLedger, wait, counted }: ControlDeps) {
  const store = createUsageStore(sql)
  const usage = createUsageLedger(store)
  const quota = createQuotaKeeper(store, usage)
  const rate = createIngestRate(limits)
  const moved = createMovedKeys()
  const withLease = createLeaseTurns(wait)

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
    const reason = refusals[reply.status]
    if (reason === undefined) return reply
    usage.countRefused(refusedUsage(batch, reason), nowMs)
    counted()
    return reply
  }
}

/** Answers that count as rejections of the whole batch; a replay was counted when it was stored, a moved key will be. */
const refusals: Partial<Record<AppendReply['status'], RejectReason>> = {
  quota_exceeded: 'quota_exceeded',
  shard_full: 'shard_full',
  key_reused: 'idempotency_key_reused',
}
