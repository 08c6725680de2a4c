import { timestampMsMax } from '../../core/limits.ts'
import { formatTimestamp } from '../../core/time.ts'
import type { TimeRange } from '../../engine/query/types.ts'
import { parseRange } from '../time_range.ts'

/** The range of time that all panels of one answer show. */
export interface Window {
  readonly range: TimeRange
  /** The same as searches take it. */
  readonly from: string
  readonly to: string
}

/**
 * The range of two bounds, of which those that are relative count from the end of the present step of `stepMs`: who asks within one
 * step asks the same. Throws `validation_failed`.
 */
export function windowOf(from: string, to: string, nowMs: number, stepMs: number): Window {
  const { fromMs, toMs } = parseRange(from, to, Math.ceil(nowMs / stepMs) * stepMs)
  // The end of all time is no time that can be written.
  const range = { fromMs: Math.min(fromMs, timestampMsMax - 1), toMs: Math.min(toMs, timestampMsMax - 1) }
  return { range, from: formatTimestamp(range.fromMs, 0), to: formatTimestamp(range.toMs, 0) }
}
