import type { JobsOf, QueueName } from '../core/jobs.ts'
import type { BaseCtx } from '../db/context.ts'
import { giveUpAlertJob, runAlertJob } from './alert_jobs.ts'
import { giveUpMail, sendMail } from './email_jobs.ts'
import { giveUpNotify, runNotify } from './notify/deliver.ts'
import { giveUpTaskJob, runTaskJob } from './task_jobs.ts'

/** How the jobs of one queue are done, and what is to be written down when one is given up. */
export interface Handlers<J> {
  /**
   * Does the job; what it throws is tried again. A job comes at least once and in any order, also twice at a time: its state in D1
   * makes it once. `attempts` counts the deliveries of its message, this one included.
   */
  run(ctx: BaseCtx, job: J, attempts: number): Promise<void>
  /** Marks what the job is about as failed for good; may be called more than once. */
  giveUp(ctx: BaseCtx, job: J, reason: string): Promise<void>
}

export type Dispatch = { readonly [Q in QueueName]: Handlers<JobsOf[Q]> }

/** The one table of what is done with the messages of each queue. */
export const dispatch: Dispatch = {
  'email-jobs': { run: sendMail, giveUp: giveUpMail },
  'alert-jobs': { run: runAlertJob, giveUp: giveUpAlertJob },
  'notify-jobs': { run: runNotify, giveUp: giveUpNotify },
  'task-jobs': { run: runTaskJob, giveUp: giveUpTaskJob },
}
