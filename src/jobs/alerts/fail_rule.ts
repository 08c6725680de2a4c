import * as z from 'zod'
import { alertNoticeTextBytesMax } from '../../core/limits.ts'
import { cutJson } from '../../core/json_bytes.ts'
import { alertRules } from '../../db/schema_alerts.ts'
import { dueWindowEndMs } from '../../features/alerts/definition.ts'
import { linesWithRoom } from './budget.ts'
import { changesOf, historyStatement } from './commit.ts'
import type { RuleRow } from './due.ts'
import { isOurs } from './due.ts'
import type { Round } from './round.ts'

/**
 * Writes down that a rule cannot be evaluated for good, as its definition has a form that nobody knows any more, or the database does
 * not take what came of it: in its state and history, and without a notice, which may be what was not taken. Where its groups stand
 * stays, so that the next window tells what this one would have. Answers false when the rule is not ours any more.
 */
export async function failRule(
  { ctx, lease, nowMs }: Pick<Round, 'ctx' | 'lease' | 'nowMs'>,
  row: RuleRow,
  error: unknown,
): Promise<boolean> {
  // A commit before may have got further: then the lease is given back, and the next minute goes on from there.
  const atMs = Math.max(
    row.evaluatedTo ?? 0,
    dueWindowEndMs({ interval_seconds: row.intervalSeconds, delay_seconds: row.delaySeconds }, nowMs),
  )
  const reason = reasonOf(error, ctx.requestId)
  const change = { group: {}, from: row.state, to: 'error', value: null, detail: reason, silenced: false } as const
  const lines = await linesWithRoom(ctx, row.state === 'error' ? [] : [change])
  const results: readonly unknown[] = await ctx.db.batch([
    historyStatement(ctx, { row, lease }, { lines, atMs }),
    ctx.db
      .update(alertRules)
      .set({
        state: 'error',
        stateSince: row.state === 'error' ? (row.stateSince ?? atMs) : atMs,
        evaluatedTo: atMs,
        evaluatedAt: ctx.now(),
        evaluationMs: ctx.now() - nowMs,
        error: reason,
        failures: row.failures + 1,
        leaseUntil: 0,
      })
      .where(isOurs(ctx, row, lease)),
  ])
  return changesOf(results.at(-1)) > 0
}

/** What the database says may hold values of others: it is in the log, and is found by the id. */
function reasonOf(error: unknown, requestId: string): string {
  if (!(error instanceof z.ZodError)) return `Something went wrong on our side. Quote ${requestId} to support.`
  return cutJson(`The definition of the rule cannot be read: write it anew. ${z.prettifyError(error)}`, alertNoticeTextBytesMax)
}
