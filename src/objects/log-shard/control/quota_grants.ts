import { minuteOf } from '../../../core/calendar.ts'
import { leaseAheadBatches, leaseShare } from '../../../core/limits.ts'
import type { Quota } from '../../../core/settings.ts'
import type { Volume } from '../../../core/usage.ts'
import type { LeaseReply, LeaseRequest } from './protocol_control.ts'
import type { Used } from './quota_limits.ts'
import { exceeded, noVolume, plus, quotaLimits } from './quota_limits.ts'
import type { UsageStore } from './usage_store.ts'
import { createWindowMap } from './windows.ts'

/** Allowances of one window, by shard. */
type Held = Map<number, Volume>

/**
 * The ledger's side of a quota: what it allowed the other shards. A grant is durable before it is answered and never taken back; a
 * shard that forgot its allowance is told the same one. What a shard that stores no more was granted ahead stays unused: at most
 * `leaseAheadBatches` batches each, and 1 / leaseShare of what was left by all together.
 */
export function createGrants(store: Pick<UsageStore, 'loadGrants' | 'saveGrants'>, stored: (minute: number, month: number) => Used) {
  const saved = store.loadGrants()
  const minutes = createWindowMap(mapsOf(saved.minutes), (): Held => new Map())
  const months = createWindowMap(mapsOf(saved.months), (): Held => new Map())

  /** What is stored here, and allowed to other shards but `except`. */
  function committed(minute: number, month: number, except?: number): Used {
    const own = stored(minute, month)
    return {
      minute: plusAllowances(own.minute, minutes.peek(minute), except),
      month: plusAllowances(own.month, months.peek(month), except),
    }
  }

  return {
    committed,

    /** The answer to another shard. A window that is over by this clock grants nothing: the shard asks anew. */
    grant(request: LeaseRequest, quota: Quota | null, nowMs: number): LeaseReply {
      const { from, minute, month, need } = request
      if (Math.abs(minute - minuteOf(nowMs)) > 1) return { status: 'granted', minute: noVolume(), month: noVolume() }
      const others = committed(minute, month, from.shard)
      const used: Used = { minute: plus(others.minute, request.stored.minute), month: plus(others.month, request.stored.month) }
      const refusal = quota === null ? undefined : exceeded(quota, need, used, nowMs)
      if (refusal !== undefined) return refusal
      const allowance: Used = { minute: allowanceOf(minutes.at(minute), from.shard), month: allowanceOf(months.at(month), from.shard) }
      if (raise(allowance, request, quota, used)) store.saveGrants({ minutes: plain(minutes.entries()), months: plain(months.entries()) })
      return { status: 'granted', ...structuredClone(allowance) }
    },
  }
}

/** Raises the allowance, where it is too small, to what the request needs and some more; answers whether it was. */
function raise(allowance: Used, request: LeaseRequest, quota: Quota | null, used: Used): boolean {
  const { need, stored, shards } = request
  let raised = false
  for (const { name, window, unit } of quotaLimits) {
    const wanted = stored[window][unit] + need[unit]
    if (allowance[window][unit] >= wanted) continue
    const limit = quota?.[name] ?? null
    const left = limit === null ? 0 : limit - used[window][unit] - need[unit]
    allowance[window][unit] = wanted + Math.floor(Math.min(need[unit] * leaseAheadBatches, left / (leaseShare * shards)))
    raised = true
  }
  return raised
}

function plusAllowances(own: Volume, held: Held | undefined, except: number | undefined): Volume {
  let total = own
  for (const [shard, allowance] of held ?? []) if (shard !== except) total = plus(total, allowance)
  return total
}

function allowanceOf(held: Held, shard: number): Volume {
  let allowance = held.get(shard)
  if (allowance === undefined) held.set(shard, (allowance = noVolume()))
  return allowance
}

function mapsOf<V>(windows: [number, [number, V][]][]): [number, Map<number, V>][] {
  return windows.map(([id, held]) => [id, new Map(held)])
}

function plain<V>(windows: [number, Map<number, V>][]): [number, [number, V][]][] {
  return windows.map(([id, held]) => [id, [...held]])
}
