import { alertQueryMsMax, alertScanBytesMax } from '../../core/limits.ts'
import type { TenantCtx } from '../../db/context.ts'
import { isSilenced, liveSilences } from '../../features/silences/active.ts'
import type { SilenceRow } from '../../features/silences/active.ts'
import type { evaluateRule } from '../../search/alerts/evaluate.ts'
import type { QueryRun } from '../../search/query_run.ts'
import type { Held, Outcome } from './commit.ts'
import type { Lease } from './due.ts'

export type Evaluate = typeof evaluateRule

/** What the rules of one message share. */
export interface Round {
  readonly ctx: TenantCtx
  readonly organizationName: string
  readonly lease: Lease
  /** When it began: what is due is due by then. */
  readonly nowMs: number
  /** When the round ends with what it has done. */
  readonly endMs: number
  readonly evaluate: Evaluate
  readonly run: QueryRun
  /** What one more query may read, an even part of what those before it left. */
  queryRun(): QueryRun
  spend(bytes: number): void
  /** Whether a silence holds at one of these moments; looked up when something is to be told. */
  isSilenced(ruleId: string, atMs: readonly number[]): Promise<boolean>
}

/** A rule that nothing happened to: written with the others at the end. */
export interface Quiet {
  readonly held: Held
  readonly outcome: Outcome
}

/** Each query may read an even part of what those before it left, so that no rule takes it all. */
export function evenBudget({ shards, deps }: QueryRun, rules: number, { now }: TenantCtx): Pick<Round, 'queryRun' | 'spend'> {
  let left = rules
  let bytes = 0
  return {
    queryRun() {
      const share = Math.floor((alertScanBytesMax - bytes) / Math.max(1, left))
      if (left > 1) left--
      const limits = { ...deps.limits, bytesMax: Math.max(0, Math.min(deps.limits.bytesMax, share)) }
      return { shards, deps: { ...deps, limits, endMs: now() + alertQueryMsMax } }
    },
    spend: (read) => void (bytes += read),
  }
}

/** Looks silences up once for all rules that ask of the same time. */
export function silenceLookup(ctx: TenantCtx, nowMs: number): Round['isSilenced'] {
  const known = new Map<number, Promise<SilenceRow[]>>()
  return async (ruleId, atMs) => {
    const sinceMs = Math.min(nowMs, ...atMs)
    const rows = known.get(sinceMs) ?? (async () => liveSilences(ctx, sinceMs))()
    known.set(sinceMs, rows)
    const all = await rows
    return atMs.some((ms) => isSilenced(all, ruleId, ms))
  }
}
