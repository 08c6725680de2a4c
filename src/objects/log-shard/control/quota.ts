import { minuteOf, monthOf } from '../../../core/calendar.ts'
import type { Quota } from '../../../core/settings.ts'
import type { Volume } from '../../../core/usage.ts'
import type { ShardIdentity } from '../protocol.ts'
import type { AppendSettings, LeaseReply, LeaseRequest, QuotaExceeded } from './protocol_control.ts'
import { createGrants } from './quota_grants.ts'
import type { Used } from './quota_limits.ts'
import { exceeded, noVolume, quotaLimits } from './quota_limits.ts'
import type { UsageLedger } from './usage.ts'
import type { UsageStore } from './usage_store.ts'
import { createWindowMap } from './windows.ts'

/** The batch fits the quota only once the ledger has granted this. */
export interface LeaseNeeded {
  status: 'lease_needed'
  lease: LeaseRequest
}

/**
 * Keeps what an organization stores within its quota, exactly, however many shards it has. The first shard is the ledger:
 * it grants each other shard an allowance, the most that the shard may store in all within a minute or month, and stores
 * itself no more than the limit less all allowances.
 */
export function createQuotaKeeper(store: Pick<UsageStore, 'loadGrants' | 'saveGrants'>, usage: UsageLedger) {
  const stored = (minute: number, month: number): Used => ({ minute: usage.storedInMinute(minute), month: usage.storedInMonth(month) })
  const grants = createGrants(store, stored)
  /** What the ledger lets this shard store, where it is not the ledger itself. */
  const allowedMinutes = createWindowMap([], noVolume)
  const allowedMonths = createWindowMap([], noVolume)
  let newest: Pick<AppendSettings, 'quota' | 'version'> = { quota: null, version: -1 }

  /** Isolates cache settings for up to a minute, so an older copy may come after a newer one. */
  function quotaOf(settings: Pick<AppendSettings, 'quota' | 'version'>): Quota | null {
    if (settings.version >= newest.version) newest = settings
    return newest.quota
  }

  function leaseFor(quota: Quota, need: Volume, from: ShardIdentity, shards: number, nowMs: number): LeaseRequest | undefined {
    const minute = minuteOf(nowMs)
    const month = monthOf(nowMs)
    const used = stored(minute, month)
    const allowed: Used = { minute: allowedMinutes.at(minute), month: allowedMonths.at(month) }
    const fits = quotaLimits.every(
      ({ name, window, unit }) => quota[name] === null || used[window][unit] + need[unit] <= allowed[window][unit],
    )
    return fits ? undefined : { from, quota, version: newest.version, shards, minute, month, need, stored: used }
  }

  return {
    /** Undefined when a batch of these rows and bytes may be stored now; else why not, or what to ask the ledger for first. */
    check(need: Volume, settings: AppendSettings, self: ShardIdentity, nowMs: number): QuotaExceeded | LeaseNeeded | undefined {
      const quota = quotaOf(settings)
      if (quota === null) return undefined
      if (self.shard === settings.ledger.shard) return exceeded(quota, need, grants.committed(minuteOf(nowMs), monthOf(nowMs)), nowMs)
      const lease = leaseFor(quota, need, self, settings.shards, nowMs)
      return lease && { status: 'lease_needed', lease }
    },

    /** What the ledger granted. Allowances only grow, so answers may come in any order. */
    take({ minute, month }: LeaseRequest, granted: Used): void {
      raise(allowedMinutes.at(minute), granted.minute)
      raise(allowedMonths.at(month), granted.month)
    },

    /** The ledger's answer to another shard. */
    grant: (request: LeaseRequest, nowMs: number): LeaseReply => grants.grant(request, quotaOf(request), nowMs),
  }
}

function raise(allowance: Volume, { rows, bytes }: Volume): void {
  allowance.rows = Math.max(allowance.rows, rows)
  allowance.bytes = Math.max(allowance.bytes, bytes)
}
