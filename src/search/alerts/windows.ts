import { alertAheadMsMax, alertCatchUpWindowsMax } from '../../core/limits.ts'
import type { AlertDefinition } from '../../features/alerts/definition.ts'
import { dueWindowEndMs } from '../../features/alerts/definition.ts'

/** Windows of a rule that are over and not evaluated yet. */
export interface DueWindows {
  /** Their ends, ascending. */
  readonly endsMs: readonly number[]
  /** Those that are too long ago to be caught up: ends of the first and the last, and how many. */
  readonly skipped: { readonly fromMs: number; readonly toMs: number; readonly windows: number } | null
  /** The rule stood ahead of the clock, which was wrong then or is now. */
  readonly wasAhead: boolean
}

/** `evaluatedToMs` is the end of the last one that was evaluated; null: none, so the rule begins with the newest. */
export function dueWindows(
  definition: Pick<AlertDefinition, 'interval_seconds' | 'delay_seconds'>,
  evaluatedToMs: number | null,
  nowMs: number,
): DueWindows {
  const stepMs = definition.interval_seconds * 1000
  const newestMs = dueWindowEndMs(definition, nowMs)
  const wasAhead = evaluatedToMs !== null && evaluatedToMs > nowMs + alertAheadMsMax
  if (evaluatedToMs === null || wasAhead) return { endsMs: [newestMs], skipped: null, wasAhead }
  const firstMs = Math.floor(evaluatedToMs / stepMs) * stepMs + stepMs
  const count = Math.max(0, Math.floor((newestMs - firstMs) / stepMs) + 1)
  const skip = Math.max(0, count - alertCatchUpWindowsMax)
  const endsMs = Array.from({ length: count - skip }, (_, i) => firstMs + (skip + i) * stepMs)
  const skipped = skip === 0 ? null : { fromMs: firstMs, toMs: firstMs + (skip - 1) * stepMs, windows: skip }
  return { endsMs, skipped, wasAhead }
}

/** What a window looks at. */
export function windowOf({ window_seconds: seconds }: Pick<AlertDefinition, 'window_seconds'>, endMs: number) {
  return { fromMs: Math.max(0, endMs - seconds * 1000), toMs: endMs }
}
