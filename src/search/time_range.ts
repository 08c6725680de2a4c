import { dayMs } from '../core/calendar.ts'
import { timestampMsMax } from '../core/limits.ts'
import { problem } from '../core/problems.ts'
import { parseTimestamp } from '../core/time.ts'
import type { TimeRange } from '../engine/query/types.ts'

const unitMs: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: dayMs, w: 7 * dayMs }

/**
 * The range that two typed bounds name: `from` is included, `to` is not. A bound is RFC 3339, a date, epoch digits, or
 * `now` with an offset (`now-15m`; units s m h d w). A date as `to` means the end of that day. Empty means no bound.
 */
export function parseRange(from: string | undefined, to: string | undefined, nowMs: number, names = { from: 'from', to: 'to' }): TimeRange {
  const fromMs = from === undefined || from === '' ? 0 : parseBound(from, nowMs, names.from, 'start')
  const toMs = to === undefined || to === '' ? timestampMsMax : parseBound(to, nowMs, names.to, 'end')
  if (fromMs > toMs) throw badBound(names.from, `It is later than \`${names.to}\`.`)
  return { fromMs, toMs }
}

function parseBound(text: string, nowMs: number, name: string, side: 'start' | 'end'): number {
  const relative = /^now(?:([+-])(\d{1,9})([smhdw]))?$/.exec(text.trim())
  if (relative) {
    const [, sign, amount, unit] = relative
    const offset = Number(amount ?? 0) * (unitMs[unit ?? 's'] ?? 0)
    return Math.min(Math.max(nowMs + (sign === '-' ? -offset : offset), 0), timestampMsMax)
  }
  const isDate = /^\d{4}-\d{2}-\d{2}$/.test(text.trim())
  const parsed = parseTimestamp(isDate ? `${text.trim()}T00:00:00Z` : text.trim())
  if (parsed === undefined) throw badBound(name, 'Give RFC 3339 (2026-11-22T07:00:00Z), a date, epoch seconds or milliseconds, or now-15m.')
  // The last day there is ends within it.
  if (isDate && side === 'end') return Math.min(parsed.ms + dayMs, timestampMsMax)
  // A range is in whole milliseconds; a bound within one must not lose rows of it.
  return side === 'end' && parsed.ns > 0 ? parsed.ms + 1 : parsed.ms
}

function badBound(name: string, detail: string) {
  return problem('validation_failed', `\`${name}\` is not a usable time. ${detail}`, { details: { [name]: [detail] } })
}
