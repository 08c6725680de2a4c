import { and, eq, gt, ne } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import type { BatchItem } from 'drizzle-orm/batch'
import type { EmailJob, JobsOf, QueueName, TaskJob } from '../../core/jobs.ts'
import { problem } from '../../core/problems.ts'
import { runningStates, taskRules } from '../../core/tasks.ts'
import type { UserCtx } from '../../db/context.ts'
import { tasks } from '../../db/schema.ts'
import { mails } from '../../db/schema_content.ts'
import { inTenant } from '../../db/tenant.ts'

/**
 * What has to be as it was before the message was given up, as statements that take effect while `isOpen` holds. Throws `conflict`
 * where sending it again would do nothing: what it is about is over. Rounds, rules and notifications need nothing: they go by what is due.
 */
export async function putBack(ctx: UserCtx, queue: QueueName, job: JobsOf[QueueName], isOpen: SQL): Promise<BatchItem<'sqlite'>[]> {
  switch (queue) {
    case 'email-jobs':
      return putMailBack(ctx, job as EmailJob, isOpen)
    case 'alert-jobs':
    case 'notify-jobs':
      return []
    case 'task-jobs':
      return putTaskBack(ctx, job as TaskJob, isOpen)
  }
}

/** A mail that was sent has forgotten what its text needs, which may hold a token. */
async function putMailBack(ctx: UserCtx, { id }: EmailJob, isOpen: SQL): Promise<BatchItem<'sqlite'>[]> {
  const [mail] = await ctx.db.select({ status: mails.status, params: mails.sealedParams }).from(mails).where(eq(mails.id, id))
  if (mail === undefined) throw problem('conflict', 'The mail is gone.')
  const isSendable = mail.status === 'pending' || (mail.status === 'failed' && mail.params !== '')
  if (!isSendable) throw problem('conflict', `The mail is over: ${mail.status}.`)
  const failed = and(eq(mails.id, id), eq(mails.status, 'failed'), ne(mails.sealedParams, ''), isOpen)
  return [ctx.db.update(mails).set({ status: 'pending', attempts: 0, error: null, leaseUntil: 0, updatedAt: ctx.now() }).where(failed)]
}

async function putTaskBack(ctx: UserCtx, job: TaskJob, isOpen: SQL): Promise<BatchItem<'sqlite'>[]> {
  if (job.kind !== 'task') return []
  const tenant = { tenant: { organizationId: job.organization_id } }
  const own = inTenant(tenant, tasks, eq(tasks.id, job.task_id))
  const { status, step, kind, filesUntil } = tasks
  const [task] = await ctx.db.select({ status, step, kind, filesUntil }).from(tasks).where(own)
  if (task === undefined) throw problem('conflict', 'The task is gone.')
  const runs = runningStates.some((state) => state === task.status)
  if (task.step !== job.step) throw problem('conflict', `The task is at another step: ${task.step}.`)
  if (!runs && task.status !== 'FAILURE') throw problem('conflict', `The task is over: ${task.status}.`)
  // The schedule removes files at their time; a step that goes on from them would leave a file with a gap.
  const hasFiles = taskRules[task.kind].files !== null
  if (!runs && hasFiles && (task.filesUntil ?? 0) <= ctx.now())
    throw problem('conflict', 'What it wrote or was sent has been removed meanwhile. Begin a new task instead.')
  const stillThere = hasFiles ? gt(tasks.filesUntil, ctx.now()) : undefined
  const failed = and(own, eq(tasks.status, 'FAILURE'), eq(tasks.step, job.step), stillThere, isOpen)
  return [ctx.db.update(tasks).set({ status: 'RETRY', error: null, filesUntil: null, updatedAt: ctx.now() }).where(failed)]
}
