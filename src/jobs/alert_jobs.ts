import type { AlertJob } from '../core/jobs.ts'
import type { BaseCtx } from '../db/context.ts'

export function runAlertJob(_ctx: BaseCtx, job: AlertJob): Promise<void> {
  throw new Error(`nothing does ${job.kind} yet`)
}

export function giveUpAlertJob(_ctx: BaseCtx, job: AlertJob): Promise<void> {
  throw new Error(`nothing does ${job.kind} yet`)
}
