import { createExecutionContext, createMessageBatch, env, getQueueResult } from 'cloudflare:test'
import type { Env } from '../../src/config.ts'
import type { AlertJob, EmailJob, NotifyJob, TaskJob } from '../../src/core/jobs.ts'
import type { BaseCtx, TenantCtx } from '../../src/db/context.ts'
import { consumeJobs } from '../../src/jobs/consume.ts'
import { dispatch } from '../../src/jobs/dispatch.ts'
import { plainLogSettings } from '../support/usage.ts'
import type { World } from '../support/world.ts'
import { testCtx } from '../support/world.ts'

export interface Sent<J = TaskJob> {
  job: J
  delaySeconds: number
}

/** What each queue was given, in order. */
export interface Queues {
  sent: Sent[]
  alerts: Sent<AlertJob>[]
  notices: Sent<NotifyJob>[]
  mails: Sent<EmailJob>[]
}

/** A context whose jobs are kept instead of sent, so that a test hands them over when, and as often as, it wants. */
export function withJobs(base: BaseCtx = testCtx()): { ctx: BaseCtx } & Queues {
  const { env: bindings, ...queues } = keepingJobs(base.env)
  return { ctx: { ...base, env: bindings }, ...queues }
}

/** The same bindings with queues that keep what they are given. A view, since what a proxy shows cannot be spread. */
export function keepingJobs(bindings: Env): { env: Env } & Queues {
  const queues: Queues = { sent: [], alerts: [], notices: [], mails: [] }
  const kept: Record<string, unknown> = {
    TASK_JOBS: keeping(queues.sent),
    ALERT_JOBS: keeping(queues.alerts),
    NOTIFY_JOBS: keeping(queues.notices),
    EMAIL_JOBS: keeping(queues.mails),
  }
  const view = new Proxy(bindings, {
    get: (from, name) => (typeof name === 'string' && kept[name]) || (Reflect.get(from, name) as unknown),
  })
  return { env: view, ...queues }
}

function keeping<J>(sent: Sent<J>[]): Queue<J> {
  const sendBatch = async (messages: Iterable<MessageSendRequest<J>>, options: QueueSendBatchOptions = {}) => {
    for (const { body } of messages) sent.push({ job: body, delaySeconds: options.delaySeconds ?? 0 })
  }
  return { sendBatch } as unknown as Queue<J>
}

/** The same as the owner of a world. */
export function ownerWithJobs({ organizationId, accountId, owner }: World, logSettings = plainLogSettings): { ctx: TenantCtx } & Queues {
  const { ctx, ...queues } = withJobs()
  const actor = { kind: 'user', userId: owner.userId, sessionId: 's', roles: ['owner'] } as const
  return { ctx: { ...ctx, actor, tenant: { organizationId, accountId, logSettings } }, ...queues }
}

/** Delivers one message; answers whether it was acknowledged or is to come again. */
export async function deliver(ctx: BaseCtx, body: unknown, attempts = 1, queue: string = 'task-jobs'): Promise<'acked' | 'retried'> {
  const batch = createMessageBatch(queue, [{ id: crypto.randomUUID(), timestamp: new Date(), body, attempts }])
  await consumeJobs(ctx, batch, dispatch)
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
