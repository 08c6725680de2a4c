import { createExecutionContext, createMessageBatch, env, getQueueResult } from 'cloudflare:test'
import type { Env } from '../../src/config.ts'
import type { TaskJob } from '../../src/core/jobs.ts'
import type { BaseCtx, TenantCtx } from '../../src/db/context.ts'
import { consumeTaskJobs } from '../../src/jobs/task_jobs.ts'
import { plainLogSettings } from '../support/usage.ts'
import type { World } from '../support/world.ts'
import { testCtx } from '../support/world.ts'

export interface Sent {
  job: TaskJob
  delaySeconds: number
}

/** A context whose jobs are kept instead of sent, so that a test hands them over when, and as often as, it wants. */
export function withJobs(base: BaseCtx = testCtx()): { ctx: BaseCtx; sent: Sent[] } {
  const { env: bindings, sent } = keepingJobs(base.env)
  return { ctx: { ...base, env: bindings }, sent }
}

/** The same bindings with a queue that keeps what it is given. A view, since what a proxy shows cannot be spread. */
export function keepingJobs(bindings: Env): { env: Env; sent: Sent[] } {
  const sent: Sent[] = []
  const send = async (job: TaskJob, options: QueueSendOptions = {}) => void sent.push({ job, delaySeconds: options.delaySeconds ?? 0 })
  const sendBatch = async () => {
    throw new Error('no task sends batches')
  }
  const queue = { send, sendBatch } as unknown as Queue<TaskJob>
  return { env: new Proxy(bindings, { get: (from, name) => (name === 'TASK_JOBS' ? queue : (Reflect.get(from, name) as unknown)) }), sent }
}

/** The same as the owner of a world. */
export function ownerWithJobs(
  { organizationId, accountId, owner }: World,
  logSettings = plainLogSettings,
): { ctx: TenantCtx; sent: Sent[] } {
  const { ctx, sent } = withJobs()
  const actor = { kind: 'user', userId: owner.userId, sessionId: 's', roles: ['owner'] } as const
  return { ctx: { ...ctx, actor, tenant: { organizationId, accountId, logSettings } }, sent }
}

/** Delivers one message; answers whether it was acknowledged or is to come again. */
export async function deliver(ctx: BaseCtx, body: unknown, attempts = 1): Promise<'acked' | 'retried'> {
  const batch = createMessageBatch('task-jobs', [{ id: crypto.randomUUID(), timestamp: new Date(), body, attempts }])
  await consumeTaskJobs(ctx, batch)
  const result = await getQueueResult(batch, createExecutionContext())
  return result.retryMessages.length > 0 ? 'retried' : 'acked'
}

/** Runs a task's steps until it sends no further message; answers how many there were. */
export async function runSteps(ctx: BaseCtx, sent: Sent[], most = 50): Promise<number> {
  let steps = 0
  for (let next = sent.shift(); next !== undefined; next = sent.shift()) {
    if (++steps > most) throw new Error(`the task did not end in ${most} steps`)
    await deliver(ctx, next.job)
  }
  return steps
}

export interface AuditRow {
  action: string
  actor_kind: string
  target_id: string
  details: Record<string, unknown>
}

/** What the audit log of the world says, oldest first. */
export async function auditOf({ organizationId }: Pick<World, 'organizationId'>, actions: string): Promise<AuditRow[]> {
  return auditRows('audit_log WHERE organization_id', organizationId, actions)
}

/** What the audit log of the world's account says, oldest first. */
export async function accountAuditOf({ accountId }: Pick<World, 'accountId'>, actions: string): Promise<AuditRow[]> {
  return auditRows('account_audit_log WHERE account_id', accountId, actions)
}

async function auditRows(where: string, id: string, actions: string): Promise<AuditRow[]> {
  const { results } = await env.DB.prepare(`SELECT action, actor_kind, target_id, details FROM ${where} = ? AND action GLOB ? ORDER BY id`)
    .bind(id, actions)
    .all<Omit<AuditRow, 'details'> & { details: string }>()
  return results.map((row) => ({ ...row, details: JSON.parse(row.details) as Record<string, unknown> }))
}
