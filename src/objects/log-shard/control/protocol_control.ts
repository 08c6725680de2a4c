import type { Quota } from '../../../core/settings.ts'
import type { BatchUsage, Volume } from '../../../core/usage.ts'
import type { ShardIdentity } from '../protocol.ts'

/** What quota, usage and sharding say over RPC. Plain data only. */

/** What the control plane says of the organization as it sends a batch. */
export interface AppendSettings {
  /** Null when nothing is limited; deployment defaults are filled in. */
  quota: Quota | null
  retentionDays: number | null
  /** Of two copies the greater one is newer. */
  version: number
  /** The organization's first shard, which keeps the account of its quota, and how many it has in all. */
  ledger: ShardIdentity
  shards: number
}

/** A limit that the batch would pass; nothing of it was stored. `usage` is what the window holds so far. */
export interface QuotaExceeded {
  status: 'quota_exceeded'
  limit: keyof Quota
  value: number
  usage: number
  retryAfterMs: number
}

/** A shard asks the ledger whether it may store `need` more. */
export interface LeaseRequest {
  from: ShardIdentity
  quota: Quota
  version: number
  shards: number
  /** Numbers of the windows (src/core/calendar.ts), and what the shard stored in them so far. */
  minute: number
  month: number
  stored: { minute: Volume; month: Volume }
  need: Volume
}

/** The most that the shard may store in all within each window. */
export type LeaseReply = { status: 'granted'; minute: Volume; month: Volume } | QuotaExceeded

/** What one day holds; `day` counts from 1970-01-01 UTC. */
export interface DayUsage {
  day: number
  usage: BatchUsage
}
