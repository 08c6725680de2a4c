import type { AlertJob } from '../../core/jobs.ts'
import { alertJobMsMax, alertLeaseMs, alertRulesAtOnce } from '../../core/limits.ts'
import { isTemporary } from '../../core/temporary.ts'
import type { BaseCtx, TenantCtx } from '../../db/context.ts'
import { evaluateRule } from '../../search/alerts/evaluate.ts'
import { queryRun } from '../../search/query_run.ts'
import { tenantOf } from '../tenant.ts'
import { changesOf, stateStatement } from './commit.ts'
import { claimRules, releaseRules } from './due.ts'
import type { RuleRow } from './due.ts'
import { evaluateOne } from './evaluate_one.ts'
import { failRule } from './fail_rule.ts'
import { evenBudget, silenceLookup } from './round.ts'
import type { Evaluate, Quiet, Round } from './round.ts'

type EvaluateJob = Extract<AlertJob, { kind: 'evaluate' }>

/**
 * Evaluates those of the rules that are due, each for every window it has missed. The lease lets one message have a rule at a time,
 * and each rule is written with its history and notifications in one batch that asks for the lease: a message that comes twice, or
 * whose consumer was killed, changes nothing twice. What is left over the schedule sends again in a minute.
 */
export async function evaluateRules(base: BaseCtx, job: EvaluateJob, evaluate: Evaluate = evaluateRule): Promise<void> {
  const found = await tenantOf(base, job.organization_id)
  if (found === undefined) return
  const { ctx, name } = found
  const nowMs = ctx.now()
  const lease = { id: ctx.newId(), untilMs: nowMs + alertLeaseMs }
  const rows = await claimRules(ctx, job.rule_ids, lease, nowMs)
  if (rows.length === 0) return
  const open = new Set(rows.map(({ id }) => id))
  try {
    const run = await queryRun(ctx)
    const budget = evenBudget(run, rows.length, ctx)
    const silenced = silenceLookup(ctx, nowMs)
    const shared = {
      ctx,
      organizationName: name,
      lease,
      nowMs,
      endMs: nowMs + alertJobMsMax,
      evaluate,
      run,
      isSilenced: silenced,
      ...budget,
    }
    await evaluateAll(shared, rows, open)
  } finally {
    if (open.size > 0) await releaseRules(ctx, [...open], lease)
  }
}

/**
 * Takes out of `open` the rules that are done. What one fails of keeps no other from its turn: it is thrown at the end where waiting
 * may mend it, and else written down with the rule.
 */
async function evaluateAll(round: Round, rows: readonly RuleRow[], open: Set<string>): Promise<void> {
  const failures: unknown[] = []
  const quiet: Quiet[] = []
  const waiting = rows.values()
  const worker = async () => {
    // The workers share one iterator, so each rule is evaluated once.
    for (const row of waiting) {
      if (round.ctx.now() >= round.endMs) return
      try {
        const result = await evaluateOne(round, row)
        if (result === 'done') open.delete(row.id)
        else if (result !== 'left') quiet.push(result)
      } catch (error) {
        round.ctx.log.error('a rule could not be evaluated', error, { rule_id: row.id })
        if (await isWrittenDown(round, row, error)) open.delete(row.id)
        else failures.push(error)
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(alertRulesAtOnce, rows.length) }, worker))
  for (const id of await commitQuiet(round.ctx, quiet)) open.delete(id)
  if (failures.length > 0) throw failures[0]
}

/** False where waiting may mend it, or nobody could write it down: the message comes again. */
async function isWrittenDown(round: Round, row: RuleRow, error: unknown): Promise<boolean> {
  if (isTemporary(error)) return false
  try {
    return await failRule(round, row, error)
  } catch (unwritten) {
    round.ctx.log.error('the failure of a rule could not be written down', unwritten, { rule_id: row.id })
    return false
  }
}

/** One batch for all rules that nothing happened to, which is nearly all of them nearly always. Answers those that were written. */
async function commitQuiet(ctx: TenantCtx, quiet: readonly Quiet[]): Promise<string[]> {
  const [first, ...others] = quiet.map(({ held, outcome }) => stateStatement(ctx, held, outcome))
  if (first === undefined) return []
  const results: readonly unknown[] = await ctx.db.batch([first, ...others])
  return quiet.filter((_, i) => changesOf(results[i]) > 0).map(({ held }) => held.row.id)
}
