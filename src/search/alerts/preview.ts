import { alertPreviewGroupsMax, alertPreviewWindowsMax, alertRulesAtOnce, alertScanBytesMax, queryMsMax } from '../../core/limits.ts'
import { ProblemError, problem } from '../../core/problems.ts'
import { formatTimestamp } from '../../core/time.ts'
import { requirePermission } from '../../db/actor_may.ts'
import type { TenantCtx } from '../../db/context.ts'
import type { AlertDefinition } from '../../features/alerts/definition.ts'
import { conditionText, dueWindowEndMs } from '../../features/alerts/definition.ts'
import type { QueryRun } from '../query_run.ts'
import { queryRun } from '../query_run.ts'
import { parseRange } from '../time_range.ts'
import { evaluateRule } from './evaluate.ts'
import type { Observation, Step } from './machine.ts'
import { initialState, step } from './machine.ts'
import type { AlertPreview, AlertPreviewInput } from './schema.ts'
import { windowOf } from './windows.ts'

/** What a definition would have made of the past: where it would have stood after each window, and what people would have been told. */
export async function previewAlert(ctx: TenantCtx, { definition, from, to }: AlertPreviewInput): Promise<AlertPreview> {
  requirePermission(ctx, 'logs:read', 'Showing what the rule would find')
  const endsMs = previewEnds(definition, { from, to }, ctx.now())
  const seen = await observeAll(ctx, definition, endsMs)
  // Somebody listens, so that the preview shows what they would hear.
  const told: AlertDefinition = { ...definition, channel_ids: ['preview'] }
  let before = initialState
  const windows: AlertPreview['windows'] = []
  for (const [i, observation] of seen.entries()) {
    const atMs = endsMs[i]!
    const next = step(told, before, observation, { atMs, version: 1, isSilenced: false, mayRemind: true })
    windows.push(windowJson(definition, atMs, next))
    before = next.after
  }
  return { condition: conditionText(definition), windows, complete: seen.length === endsMs.length }
}

/** Ends of the windows of a range, at most `alertPreviewWindowsMax`; those to come are left out. Throws `validation_failed`. */
export function previewEnds(
  definition: Pick<AlertDefinition, 'interval_seconds' | 'delay_seconds'>,
  { from, to }: Pick<AlertPreviewInput, 'from' | 'to'>,
  nowMs: number,
): number[] {
  const stepMs = definition.interval_seconds * 1000
  const range = parseRange(from, to, nowMs)
  const lastMs = Math.min(Math.floor(range.toMs / stepMs) * stepMs, dueWindowEndMs(definition, nowMs))
  const isOpen = from === undefined || from === ''
  const firstMs = isOpen ? Math.max(0, lastMs - (alertPreviewWindowsMax - 1) * stepMs) : Math.ceil(range.fromMs / stepMs) * stepMs
  const count = Math.max(0, Math.floor((lastMs - firstMs) / stepMs) + 1)
  if (count > alertPreviewWindowsMax) {
    const detail = `The range has ${count} windows, at most ${alertPreviewWindowsMax} are evaluated: narrow from and to, or use a longer interval.`
    throw problem('validation_failed', detail, { details: { from: [detail] } })
  }
  return Array.from({ length: count }, (_, i) => firstMs + i * stepMs)
}

/** What each window showed, some at a time; fewer than asked for when the time ends. */
async function observeAll(ctx: TenantCtx, definition: AlertDefinition, endsMs: readonly number[]): Promise<Observation[]> {
  const run = await queryRun(ctx)
  const endMs = ctx.now() + queryMsMax
  const seen: Observation[] = []
  const waiting = endsMs.entries()
  let bytes = 0
  const worker = async () => {
    // The workers share one iterator, so each window is evaluated once.
    for (const [i, atMs] of waiting) {
      if (ctx.now() >= endMs || bytes >= alertScanBytesMax) return
      const limits = { ...run.deps.limits, bytesMax: Math.min(run.deps.limits.bytesMax, alertScanBytesMax - bytes) }
      const observation = await observe(ctx, definition, atMs, { shards: run.shards, deps: { ...run.deps, limits, endMs } })
      bytes += observation.bytes
      seen[i] = observation
    }
  }
  await Promise.all(Array.from({ length: Math.min(alertRulesAtOnce, endsMs.length) }, worker))
  const whole = endsMs.findIndex((_, i) => seen[i] === undefined)
  return whole < 0 ? seen : seen.slice(0, whole)
}

async function observe(ctx: TenantCtx, definition: AlertDefinition, atMs: number, run: QueryRun): Promise<Observation & { bytes: number }> {
  try {
    return { kind: 'values', ...(await evaluateRule(ctx, definition, windowOf(definition, atMs), run)) }
  } catch (error) {
    if (!(error instanceof ProblemError) || error.code === 'unavailable') throw error
    return { kind: 'failed', error: error.detail, bytes: 0 }
  }
}

function windowJson(definition: AlertDefinition, atMs: number, { after, notices }: Step): AlertPreview['windows'][number] {
  const { fromMs, toMs } = windowOf(definition, atMs)
  return {
    from: formatTimestamp(fromMs, 0),
    to: formatTimestamp(toMs, 0),
    state: after.state,
    groups: after.groups.slice(0, alertPreviewGroupsMax).map(({ key, state, value }) => ({ group: key, state, value })),
    told: notices.map(({ kind, groups }) => ({ kind, groups: groups.slice(0, alertPreviewGroupsMax).map(({ key }) => key) })),
    error: after.error,
  }
}
