import { minuteEndMs, monthEndMs } from '../../../core/calendar.ts'
import type { Quota } from '../../../core/settings.ts'
import type { Volume } from '../../../core/usage.ts'
import type { QuotaExceeded } from './protocol_control.ts'

/** What counts against the limits of the present minute and month. */
export interface Used {
  minute: Volume
  month: Volume
}

export const quotaLimits: readonly { name: keyof Quota; window: keyof Used; unit: keyof Volume }[] = [
  { name: 'rowsPerMinute', window: 'minute', unit: 'rows' },
  { name: 'bytesPerMinute', window: 'minute', unit: 'bytes' },
  { name: 'rowsPerMonth', window: 'month', unit: 'rows' },
  { name: 'bytesPerMonth', window: 'month', unit: 'bytes' },
]

/** The first limit that `need` more would pass; undefined when none. */
export function exceeded(quota: Quota, need: Volume, used: Used, nowMs: number): QuotaExceeded | undefined {
  for (const { name, window, unit } of quotaLimits) {
    const value = quota[name]
    const usage = used[window][unit]
    if (value === null || usage + need[unit] <= value) continue
    const endMs = window === 'minute' ? minuteEndMs(nowMs) : monthEndMs(nowMs)
    return { status: 'quota_exceeded', limit: name, value, usage, retryAfterMs: endMs - nowMs }
  }
  return undefined
}

export function plus(a: Volume, b: Volume): Volume {
  return { rows: a.rows + b.rows, bytes: a.bytes + b.bytes }
}

export function noVolume(): Volume {
  return { rows: 0, bytes: 0 }
}
