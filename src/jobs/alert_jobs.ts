import type { AlertJob } from '../core/jobs.ts'
import type { BaseCtx } from '../db/context.ts'
import { evaluateRules } from './alerts/evaluate.ts'

export async function runAlertJob(ctx: BaseCtx, job: AlertJob): Promise<void> {
  return evaluateRules(ctx, job)
}

/** Nothing is lost with a message: the schedule sends again what is due. */
export async function giveUpAlertJob(ctx: BaseCtx, job: AlertJob, reason: string): Promise<void> {
  ctx.log.error('a message of alert-jobs was given up', new Error(reason), { kind: job.kind, organization_id: job.organization_id })
}
