import { minuteEndMs, minuteOf, monthEndMs, monthOf } from '../../core/calendar.ts'
import { leaseAheadBatches, leaseShare } from '../../core/limits.ts'
import type { Quota } from '../../core/settings.ts'
import type { Volume } from '../../core/usage.ts'
import type { ShardIdentity } from './protocol.ts'
import type { AppendSettings, LeaseReply, LeaseRequest, QuotaExceeded } from './protocol_control.ts'
import type { UsageLedger } from './usage.ts'
import type { UsageStore } from './usage_store.ts'
import { createWindowMap } from './windows.ts'

export type QuotaKeeper = ReturnType<typeof createQuotaKeeper>

interface Used {
  minute: Volume
  month: Volume
}

const limits: readonly { name: keyof Quota; window: keyof Used; unit: keyof Volume }[] = [
  { name: 'rowsPerMinute', window: 'minute', unit: 'rows' },
  { name: 'bytesPerMinute', window: 'minute', unit: 'bytes' },
  { name: 'rowsPerMonth', window: 'month', unit: 'rows' },
  { name: 'bytesPerMonth', window: 'month', unit: 'bytes' },
]

/**
 * Keeps what an organization stores within its quota, exactly, however many shards it has. The first shard is the ledger:
 * it grants each other shard an allowance, the most that the shard may store in all within a minute or month, and stores
 * itself no more than the limit less all allowances. A grant is durable before it is answered and never taken back; a shard
 * that forgot its allowance asks again and is told the same one, so nothing is granted twice.
 *
 * What is granted ahead is stranded when its shard stores no more: until the minute's end, or for a month the last grant's
 * part of at most `leaseAheadBatches` batches and `1 / (leaseShare * shards)` of what was left; so all shards together
 * strand at most 1 / leaseShare of it.
 */
export function createQuotaKeeper(store: Pick<UsageStore, 'loadGrants' | 'saveGrants'>, usage: UsageLedger) {
  const saved = store.loadGrants()
  const grants = {
    minute: createWindowMap(mapsOf(saved.minutes), () => new Map<number, Volume>()),
    month: createWindowMap(mapsOf(saved.months), () => new Map<number, Volume>()),
  }
  /** What the ledger lets this shard store, where it is not the ledger itself. */
  const allowed = { minute: createWindowMap<Volume>([], noVolume), month: createWindowMap<Volume>([], noVolume) }
  let newest: Pick<AppendSettings, 'quota' | 'version'> = { quota: null, version: -1 }

  /** Isolates cache settings for up to a minute, so an older copy may come after a newer one. */
  function quotaOf(settings: Pick<AppendSettings, 'quota' | 'version'>): Quota | null {
    if (settings.version >= newest.version) newest = settings
    return newest.quota
  }

  const stored = (minute: number, month: number): Used => ({ minute: usage.storedInMinute(minute), month: usage.storedInMonth(month) })

  /** What counts against the limits without the shard `except`: stored here, and allowed to the others. */
  function committed(minute: number, month: number, except: number | undefined): Used {
    const own = stored(minute, month)
    return {
      minute: plusAllowances(own.minute, grants.minute.peek(minute), except),
      month: plusAllowances(own.month, grants.month.peek(month), except),
    }
  }

  function checkByLedger(quota: Quota, need: Volume, nowMs: number): QuotaExceeded | undefined {
    return exceeded(quota, need, committed(minuteOf(nowMs), monthOf(nowMs), undefined), nowMs)
  }

  function checkByAllowance(quota: Quota, need: Volume, from: ShardIdentity, shards: number, nowMs: number): LeaseRequest | undefined {
    const minute = minuteOf(nowMs)
    const month = monthOf(nowMs)
    const used = stored(minute, month)
    const allowance: Used = { minute: allowed.minute.at(minute), month: allowed.month.at(month) }
    const fits = limits.every(
      ({ name, window, unit }) => quota[name] === null || used[window][unit] + need[unit] <= allowance[window][unit],
    )
    return fits ? undefined : { from, quota, version: newest.version, shards, minute, month, need, stored: used }
  }

  return {
    /** Undefined when a batch of these rows and bytes may be stored now; else why not, or what to ask the ledger for first. */
    check(need: Volume, settings: AppendSettings, self: ShardIdentity, nowMs: number): QuotaExceeded | LeaseNeeded | undefined {
      const quota = quotaOf(settings)
      if (quota === null) return undefined
      if (self.shard === settings.ledger.shard) return checkByLedger(quota, need, nowMs)
      const lease = checkByAllowance(quota, need, self, settings.shards, nowMs)
      return lease && { status: 'lease_needed', lease }
    },

    /** What the ledger granted. Allowances only grow, so answers may come in any order. */
    take({ minute, month }: LeaseRequest, granted: Used): void {
      raise(allowed.minute.at(minute), granted.minute)
      raise(allowed.month.at(month), granted.month)
    },

    /** The ledger's answer to another shard. A window that is over by this clock grants nothing: the shard asks anew. */
    grant(request: LeaseRequest, nowMs: number): LeaseReply {
      const { from, minute, month, need } = request
      const quota = quotaOf(request)
      if (Math.abs(minute - minuteOf(nowMs)) > 1) return { status: 'granted', minute: noVolume(), month: noVolume() }
      const before = committed(minute, month, from.shard)
      const used: Used = { minute: sum(before.minute, request.stored.minute), month: sum(before.month, request.stored.month) }
      const refusal = quota === null ? undefined : exceeded(quota, need, used, nowMs)
      if (refusal !== undefined) return refusal
      const held = { minute: grants.minute.at(minute), month: grants.month.at(month) }
      let changed = false
      for (const { name, window, unit } of limits) {
        const allowance = entryOf(held[window], from.shard)
        const wanted = request.stored[window][unit] + need[unit]
        if (allowance[unit] >= wanted) continue
        const limit = quota?.[name] ?? null
        const left = limit === null ? 0 : limit - used[window][unit] - need[unit]
        const ahead = Math.min(need[unit] * leaseAheadBatches, left / (leaseShare * request.shards))
        allowance[unit] = wanted + Math.floor(ahead)
        changed = true
      }
      if (changed) store.saveGrants({ minutes: plain(grants.minute.entries()), months: plain(grants.month.entries()) })
      return { status: 'granted', minute: { ...entryOf(held.minute, from.shard) }, month: { ...entryOf(held.month, from.shard) } }
    },
  }
}

/** The batch fits the quota only once the ledger has granted this. */
export interface LeaseNeeded {
  status: 'lease_needed'
  lease: LeaseRequest
}

function exceeded(quota: Quota, need: Volume, used: Used, nowMs: number): QuotaExceeded | undefined {
  for (const { name, window, unit } of limits) {
    const value = quota[name]
    const usage = used[window][unit]
    if (value === null || usage + need[unit] <= value) continue
    const endMs = window === 'minute' ? minuteEndMs(nowMs) : monthEndMs(nowMs)
    return { status: 'quota_exceeded', limit: name, value, usage, retryAfterMs: endMs - nowMs }
  }
  return undefined
}

function plusAllowances(own: Volume, held: ReadonlyMap<number, Volume> | undefined, except: number | undefined): Volume {
  let total = own
  for (const [shard, allowance] of held ?? []) if (shard !== except) total = sum(total, allowance)
  return total
}

function entryOf(held: Map<number, Volume>, shard: number): Volume {
  let allowance = held.get(shard)
  if (allowance === undefined) held.set(shard, (allowance = noVolume()))
  return allowance
}

function raise(allowance: Volume, { rows, bytes }: Volume): void {
  allowance.rows = Math.max(allowance.rows, rows)
  allowance.bytes = Math.max(allowance.bytes, bytes)
}

function sum(a: Volume, b: Volume): Volume {
  return { rows: a.rows + b.rows, bytes: a.bytes + b.bytes }
}

function noVolume(): Volume {
  return { rows: 0, bytes: 0 }
}

function mapsOf<V>(windows: [number, [number, V][]][]): [number, Map<number, V>][] {
  return windows.map(([id, held]) => [id, new Map(held)])
}

function plain<V>(windows: [number, Map<number, V>][]): [number, [number, V][]][] {
  return windows.map(([id, held]) => [id, [...held]])
}
