import { and, eq, inArray, isNull, sql } from 'drizzle-orm'
import type { TaskJob } from '../core/jobs.ts'
import { problems, ProblemError } from '../core/problems.ts'
import { countsOf, isRunning, runningStates } from '../core/tasks.ts'
import type { TaskKind } from '../core/tasks.ts'
import { auditEntry } from '../db/audit.ts'
import type { BaseCtx, TenantCtx } from '../db/context.ts'
import { sendJobs } from '../db/jobs.ts'
import { logSettingsColumns, logSettingsOf } from '../db/log_settings.ts'
import { accounts, organizations, tasks } from '../db/schema.ts'
import { inTenant } from '../db/tenant.ts'
import { filesUntilOf } from '../features/tasks/files.ts'
import type { StepOutcome, TaskStep } from './task_step.ts'

type TaskMessage = Extract<TaskJob, { kind: 'task' }>
type TaskRow = typeof tasks.$inferSelect
type Steps = Readonly<Record<TaskKind, TaskStep>>

/**
 * Runs the step that a message names, and stores what came of it. A message of an earlier step is a repeat and does
 * nothing, so that however often messages are delivered one chain of steps goes on. Throws when the step is to be
 * tried again; on the `lastAttempt` the task fails instead.
 */
export async function runTask(base: BaseCtx, message: TaskMessage, steps: Steps, lastAttempt: boolean): Promise<void> {
  const found = await load(base, message)
  if (found === undefined || found.task.step > message.step || !isRunning(found.task.status)) return
  const { ctx, task } = found
  if (task.step < message.step) throw new Error('the step before is not stored yet')
  let outcome: StepOutcome
  try {
    const { id, params, state, createdBy, createdAt: createdMs } = task
    outcome = await steps[task.kind](ctx, { id, params, state, createdBy, createdMs })
  } catch (error) {
    const refusal = refusalOf(error)
    if (refusal === undefined && !lastAttempt) {
      await ctx.db
        .update(tasks)
        .set({ status: 'RETRY', retries: sql`${tasks.retries} + 1`, updatedAt: ctx.now() })
        .where(atStep(ctx, task))
      throw error
    }
    ctx.log.error('a task failed for good', error, { task_id: task.id })
    outcome = { status: 'failed', reason: refusal ?? 'It failed again and again; the service has the details in its log.' }
  }
  await (outcome.status === 'again' ? goOn(ctx, task, outcome) : end(ctx, task, outcome))
}

/** Why a step can never succeed: what would be a 4xx answer to a request, such as a query that takes too long. */
function refusalOf(error: unknown): string | undefined {
  if (!(error instanceof ProblemError)) return undefined
  const { status } = problems[error.code]
  return status >= 400 && status < 500 && status !== 429 ? error.detail : undefined
}

/** The next message goes first: a crash in between repeats this step, where the other order would end the chain. */
async function goOn(ctx: TenantCtx, task: TaskRow, outcome: Extract<StepOutcome, { status: 'again' }>): Promise<void> {
  const { afterSeconds, progress, state } = outcome
  const { organizationId } = ctx.tenant
  const step = task.step + 1
  await sendJobs(ctx, 'task-jobs', [{ kind: 'task', organization_id: organizationId, task_id: task.id, step }], {
    delaySeconds: Math.max(1, Math.ceil(afterSeconds)),
  })
  await ctx.db
    .update(tasks)
    .set({ status: 'STARTED', step, progress: Math.min(1, Math.max(0, progress)), state, updatedAt: ctx.now() })
    .where(atStep(ctx, task))
}

async function end(ctx: TenantCtx, task: TaskRow, outcome: Exclude<StepOutcome, { status: 'again' }>): Promise<void> {
  const change =
    outcome.status === 'done'
      ? { status: 'SUCCESS' as const, progress: 1, result: outcome.result }
      : { status: 'FAILURE' as const, error: outcome.reason }
  const { status } = change
  const entry = {
    action: status === 'SUCCESS' ? 'task.succeed' : 'task.fail',
    target: { kind: 'task', id: task.id },
    details: {
      kind: task.kind,
      created_by: task.createdBy,
      ...(outcome.status === 'done' ? { result: countsOf(task.kind, outcome.result) } : { error: outcome.reason }),
    },
  }
  const where = atStep(ctx, task)
  const filesUntil = filesUntilOf(task.kind, status, ctx.now())
  const state = (outcome.status === 'done' ? outcome.state : undefined) ?? task.state
  await ctx.db.batch([
    auditEntry(ctx, entry, tasks, where),
    ctx.db
      .update(tasks)
      .set({ ...change, state, filesUntil, step: task.step + 1, updatedAt: ctx.now() })
      .where(where),
  ])
}

/** The task as long as it stands at this step: not when a repeat was faster, nor when it was revoked. */
function atStep(ctx: TenantCtx, { id, step }: TaskRow) {
  return inTenant(ctx, tasks, eq(tasks.id, id), eq(tasks.step, step), inArray(tasks.status, [...runningStates]))
}

/** The organization of a message is one that a verb of ours wrote there from an authenticated context. */
async function load(base: BaseCtx, { organization_id: organizationId, task_id: id }: TaskMessage) {
  const [row] = await base.db
    .select({ task: tasks, accountId: organizations.accountId, settings: logSettingsColumns })
    .from(tasks)
    // Of a deleted one tasks wait: the sweep sends them on when it is restored.
    .innerJoin(organizations, and(eq(organizations.id, tasks.organizationId), isNull(organizations.deletedAt)))
    .innerJoin(accounts, and(eq(accounts.id, organizations.accountId), isNull(accounts.deletedAt)))
    .where(inTenant({ tenant: { organizationId } }, tasks, eq(tasks.id, id)))
  if (row === undefined) return undefined
  const tenant = { organizationId, accountId: row.accountId, logSettings: logSettingsOf(row.settings) }
  const ctx: TenantCtx = { ...base, actor: { kind: 'system' }, tenant }
  return { ctx, task: row.task }
}
