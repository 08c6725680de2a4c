import { env } from 'cloudflare:test'
import { eq } from 'drizzle-orm'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { deadJobsKeptMs, jobAttemptsMax } from '../../src/core/limits.ts'
import type { EmailJob, JobsOf, TaskJob } from '../../src/core/jobs.ts'
import type { BaseCtx, TenantCtx, UserCtx } from '../../src/db/context.ts'
import { newMail } from '../../src/db/mails.ts'
import { tasks } from '../../src/db/schema.ts'
import { mails } from '../../src/db/schema_content.ts'
import { deadJobs } from '../../src/db/schema_jobs.ts'
import { replayDeadJob } from '../../src/features/dead-jobs/replay.ts'
import type { DeadJobJson } from '../../src/features/dead-jobs/schema.ts'
import { createTask, startTask } from '../../src/features/tasks/create.ts'
import { partKey } from '../../src/features/tasks/files.ts'
import { consumeJobs } from '../../src/jobs/consume.ts'
import { dispatch } from '../../src/jobs/dispatch.ts'
import { forgetDeadJobs } from '../../src/jobs/forget_dead_jobs.ts'
import { forgetOldTasks } from '../../src/jobs/task_sweep.ts'
import { uuidv7 } from '../../src/core/ids.ts'
import { makeDeadJob } from '../support/dead_jobs.ts'
import { faultyEnv } from '../support/faulty.ts'
import { makeStaff } from '../support/tenancy.ts'
import { createWorld, testCtx } from '../support/world.ts'
import type { World } from '../support/world.ts'
import { accountAuditOf, auditOf, deliver, ownerWithJobs, withJobs } from './control_world.ts'
import type { Sent } from './control_world.ts'

let world: World
let ctx: TenantCtx
let sent: Sent[]
beforeEach(async () => {
  world = await createWorld()
  ;({ ctx, sent } = ownerWithJobs(world))
})
afterEach(() => vi.restoreAllMocks())

/** A context of staff, whose jobs are kept. */
function staffWithJobs(base?: BaseCtx) {
  const { owner, accountId } = world
  const { ctx: kept, ...queues } = withJobs(base)
  const user = { id: owner.userId, email: owner.email, accountId, isStaff: true }
  const staff: UserCtx = { ...kept, user, sessionId: 's', session: { id: 's', passwordProvedMs: Date.now(), secondFactor: true } }
  return { staff, ...queues }
}

const api = async (path: string, method = 'GET') => world.call(`/api/v1/dead-jobs${path}`, { method, as: world.owner.accessToken })
const listed = async (query = '') => {
  const reply = await api(`?organization_id=${world.organizationId}${query}`)
  return (await reply.json<{ results: DeadJobJson[] }>()).results
}
const rowsOf = () => ctx.db.select().from(deadJobs).where(eq(deadJobs.organizationId, world.organizationId))
const taskOf = async (id: string) => (await ctx.db.select().from(tasks).where(eq(tasks.id, id)))[0]

/** A task that stands at its first step, with the message of that. */
async function startedTask(): Promise<{ id: string; job: TaskJob }> {
  const { id } = await createTask(ctx, { kind: 'archive', params: { q: '', from_ms: 0, to_ms: 1 }, action: 'logs.archive' })
  await startTask(ctx, { id })
  return { id, job: sent.splice(0)[0]!.job }
}

describe('a message of a form that nobody knows', () => {
  it('is written down at once, without its texts, and comes no more', async () => {
    const body = { kind: 'task', organization_id: world.organizationId, task_id: 'no id', step: -1, token: 'q3Jx0v_8sLk2Zb7wRt9Y' }
    expect(await deliver(ctx, body, 3)).toBe('acked')
    const [row] = await rowsOf()
    expect(row).toMatchObject({
      queue: 'task-jobs',
      kind: 'task',
      attempts: 3,
      reason: 'It has a form that nobody knows.',
      replayedAt: null,
    })
    expect(JSON.parse(row?.body ?? '')).toEqual({ ...body, task_id: '(5 characters)', token: '(20 characters)' })
  })

  it('is kept by its queue while the database is down', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined)
    const body = { kind: 'unknown', organization_id: world.organizationId }
    const down = {
      ...ctx,
      db: { batch: () => Promise.reject(new Error('D1 is down')), insert: ctx.db.insert.bind(ctx.db), select: ctx.db.select.bind(ctx.db) },
    }
    expect(await deliver(down as unknown as BaseCtx, body)).toBe('retried')
    expect(await rowsOf()).toEqual([])
  })

  it('cannot be sent again', async () => {
    await deliver(ctx, { kind: 'unknown', organization_id: world.organizationId })
    const [row] = await rowsOf()
    await expect(replayDeadJob(staffWithJobs().staff, row?.id ?? '')).rejects.toMatchObject({ code: 'conflict' })
  })
})

describe('a dead letter', () => {
  it('is written down once, however often it comes, and its task fails with an audit entry', async () => {
    const { id, job } = await startedTask()
    const message = { id: crypto.randomUUID(), body: job, attempts: 1, ack: () => undefined, retry: () => undefined }
    for (let time = 0; time < 3; time += 1) await consumeJobs(ctx, { queue: 'task-jobs-dead', messages: [message, message] }, dispatch)
    const rows = await rowsOf()
    expect(rows).toMatchObject([
      { queue: 'task-jobs', kind: 'task', messageId: message.id, attempts: jobAttemptsMax, requestId: ctx.requestId },
    ])
    expect(JSON.parse(rows[0]?.body ?? '')).toEqual(job)
    expect(await taskOf(id)).toMatchObject({ status: 'FAILURE', error: 'It failed again and again.', step: 0 })
    expect(await auditOf(world, 'task.fail')).toMatchObject([
      { target_id: id, actor_kind: 'system', details: { kind: 'archive', created_by: world.owner.userId } },
    ])
  })

  it('of a step that is past, or still to come, fails no task', async () => {
    const { id, job } = await startedTask()
    await ctx.db.update(tasks).set({ step: 2, status: 'STARTED' }).where(eq(tasks.id, id))
    for (const step of [1, 3]) expect(await deliver(ctx, { ...job, step }, 1, 'task-jobs-dead')).toBe('acked')
    expect(await taskOf(id)).toMatchObject({ status: 'STARTED', error: null })
    expect(await rowsOf()).toHaveLength(2)
  })

  it('of an organization that is gone is kept all the same', async () => {
    const gone = crypto.randomUUID()
    const job = { kind: 'task', organization_id: gone, task_id: crypto.randomUUID(), step: 0 }
    expect(await deliver(ctx, job, 1, 'task-jobs-dead')).toBe('acked')
    const rows = await ctx.db
      .select()
      .from(deadJobs)
      .where(eq(deadJobs.body, JSON.stringify(job)))
    expect(rows).toMatchObject([{ organizationId: null }])
  })

  it('is shown with what leads to its cause, to staff only', async () => {
    const { job } = await startedTask()
    await deliver(ctx, job, 1, 'task-jobs-dead')
    expect((await api('')).status).toBe(403)
    await makeStaff(world.owner)
    const [shown] = await listed()
    expect(shown).toMatchObject({ queue: 'task-jobs', kind: 'task', body: job, request_id: ctx.requestId, replayed_at: null })
    expect(await (await api(`/${shown?.id}`)).json()).toEqual(shown)
    expect(await listed('&queue=email-jobs')).toEqual([])
    expect(await listed('&kind=purge')).toEqual([])
    expect(await listed('&replayed=true')).toEqual([])
    expect(await listed('&replayed=false&queue=task-jobs&kind=task')).toEqual([shown])
  })
})

describe('a dead job that staff send again', () => {
  it('goes to its queue with the id of its request, its task back to the step where it failed, and on from there', async () => {
    const { id, job } = await startedTask()
    await deliver(ctx, job, 1, 'task-jobs-dead')
    const [row] = await rowsOf()
    const { staff, sent: again } = staffWithJobs()
    const shown = await replayDeadJob(staff, row?.id ?? '')
    expect(shown).toMatchObject({ id: row?.id, replayed_by: world.owner.userId, replayed_at: expect.any(String) as string })
    expect(again).toEqual([{ job, delaySeconds: 0 }])
    expect(job.request_id).toBe(ctx.requestId)
    expect(await taskOf(id)).toMatchObject({ status: 'RETRY', error: null, step: 0 })
    await deliver(ctx, job)
    expect((await taskOf(id))?.status).not.toBe('RETRY')
    const [entry] = await auditOf(world, 'dead_job.*')
    expect(entry).toMatchObject({
      action: 'dead_job.replay',
      target_id: row?.id,
      details: { queue: 'task-jobs', kind: 'task', request_id: ctx.requestId },
    })
  })

  it('finds what its task wrote, or is refused when that was removed', async () => {
    const { id, job } = await startedTask()
    await ctx.db.update(tasks).set({ kind: 'export' }).where(eq(tasks.id, id))
    await deliver(ctx, job, 1, 'task-jobs-dead')
    const key = partKey(world.organizationId, id, 0)
    await ctx.env.STORAGE.put(key, 'a part')
    await replayDeadJob(staffWithJobs().staff, (await rowsOf())[0]?.id ?? '')
    expect(await taskOf(id)).toMatchObject({ status: 'RETRY', filesUntil: null })
    // Whatever the row says, the files of a task at work stay.
    await ctx.db.update(tasks).set({ filesUntil: 1 }).where(eq(tasks.id, id))
    await forgetOldTasks(ctx)
    expect(await ctx.env.STORAGE.head(key)).not.toBeNull()
    await deliver(ctx, job, 1, 'task-jobs-dead')
    await ctx.db.update(tasks).set({ filesUntil: 1 }).where(eq(tasks.id, id))
    await forgetOldTasks(ctx)
    expect(await ctx.env.STORAGE.head(key)).toBeNull()
    const dead = (await rowsOf()).find(({ replayedAt }) => replayedAt === null)
    await expect(replayDeadJob(staffWithJobs().staff, dead?.id ?? '')).rejects.toMatchObject({ code: 'conflict' })
  })

  it('goes once, also when two press the button, until it died again', async () => {
    const { job } = await startedTask()
    await deliver(ctx, job, 1, 'task-jobs-dead')
    const [row] = await rowsOf()
    const { staff, sent: again } = staffWithJobs()
    const both = await Promise.allSettled([replayDeadJob(staff, row!.id), replayDeadJob(staff, row!.id)])
    expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    await makeStaff(world.owner)
    expect((await api(`/${row?.id}/replay`, 'POST')).status).toBe(409)
    expect(again).toHaveLength(1)
    expect(await auditOf(world, 'dead_job.replay')).toHaveLength(1)
    await deliver(ctx, job, 1, 'task-jobs-dead')
    const next = (await rowsOf()).find(({ replayedAt }) => replayedAt === null)
    expect((await api(`/${next?.id}/replay`, 'POST')).status).toBe(202)
  })

  it('is not spoilt by a repeat of the dead letter', async () => {
    const { id, job } = await startedTask()
    const message = { id: crypto.randomUUID(), body: job, attempts: 1, ack: () => undefined, retry: () => undefined }
    const dead = () => consumeJobs(ctx, { queue: 'task-jobs-dead', messages: [message] }, dispatch)
    await dead()
    const [row] = await rowsOf()
    await replayDeadJob(staffWithJobs().staff, row?.id ?? '')
    await dead()
    expect((await taskOf(id))?.status).toBe('RETRY')
  })

  it('may be sent again when its queue was down', async () => {
    const { job } = await startedTask()
    await deliver(ctx, job, 1, 'task-jobs-dead')
    const [row] = await rowsOf()
    const { staff } = staffWithJobs()
    const down = { ...staff, env: faultyEnv(env, (name) => (name === 'queue.sendBatch' ? 'fails before' : 'works')) }
    await expect(replayDeadJob(down, row?.id ?? '')).rejects.toThrow('Queue send failed')
    const { staff: later, sent: again } = staffWithJobs()
    await replayDeadJob(later, row?.id ?? '')
    expect(again).toHaveLength(1)
  })

  it.each(['REVOKED', 'SUCCESS'] as const)('has nothing to do for a task that is %s', async (status) => {
    const { id, job } = await startedTask()
    await deliver(ctx, job, 1, 'task-jobs-dead')
    await ctx.db.update(tasks).set({ status }).where(eq(tasks.id, id))
    const [row] = await rowsOf()
    await expect(replayDeadJob(staffWithJobs().staff, row?.id ?? '')).rejects.toMatchObject({
      code: 'conflict',
      detail: `The task is over: ${status}.`,
    })
    expect((await rowsOf())[0]?.replayedAt).toBeNull()
  })

  it('sends a mail that waits or failed, and none that is over', async () => {
    const mail = newMail(testCtx(), 'registration_known', { to: 'ann@example.com', ownerId: world.organizationId }, {})
    await mail.statement
    const id = await makeDeadJob(world, 'email-jobs', mail.job)
    await ctx.db.update(mails).set({ status: 'failed', error: 'no server', attempts: 4 }).where(eq(mails.id, mail.job.id))
    const { staff, mails: queued } = staffWithJobs()
    await replayDeadJob(staff, id)
    expect(queued.map(({ job }) => job)).toEqual([{ ...mail.job, request_id: expect.any(String) as string } satisfies EmailJob])
    expect(await mailOf(mail.job.id)).toMatchObject({ status: 'pending', error: null, attempts: 0 })
    await ctx.db.update(mails).set({ status: 'sent', sealedParams: '' }).where(eq(mails.id, mail.job.id))
    const second = await makeDeadJob(world, 'email-jobs', mail.job)
    await expect(replayDeadJob(staff, second)).rejects.toMatchObject({ code: 'conflict', detail: 'The mail is over: sent.' })
  })

  it('needs nothing more of alerts, which go by what is due', async () => {
    const job: JobsOf['notify-jobs'] = {
      kind: 'notify',
      organization_id: world.organizationId,
      rule_id: crypto.randomUUID(),
      channel_id: crypto.randomUUID(),
    }
    const { staff, notices } = staffWithJobs()
    await replayDeadJob(staff, await makeDeadJob(world, 'notify-jobs', job))
    expect(notices).toMatchObject([{ job }])
  })

  it('that no organization has is in the audit log of the staff', async () => {
    const id = await makeDeadJob(
      world,
      'task-jobs',
      { kind: 'usage', from_day: '2026-11-01', to_day: '2026-11-02', after: '' },
      { organizationId: null },
    )
    await replayDeadJob(staffWithJobs().staff, id)
    expect(await accountAuditOf(world, 'dead_job.replay')).toMatchObject([{ target_id: id }])
  })
})

describe('a dead job', () => {
  const mailJob = () => ({ kind: 'verify_email', id: crypto.randomUUID() }) as const

  it('is forgotten by staff, with an entry', async () => {
    await makeStaff(world.owner)
    const id = await makeDeadJob(world, 'email-jobs', mailJob())
    expect([(await api(`/${id}`, 'DELETE')).status, (await api(`/${id}`, 'DELETE')).status, (await api(`/${id}`)).status]).toEqual([
      204, 404, 404,
    ])
    expect(await auditOf(world, 'dead_job.delete')).toMatchObject([{ target_id: id }])
  })

  it('is forgotten by itself after thirty days', async () => {
    const now = Date.now()
    const made = (ms: number) => makeDeadJob(world, 'email-jobs', mailJob(), { id: uuidv7(ms) })
    const kept = await made(now - deadJobsKeptMs + 60_000)
    await made(now - deadJobsKeptMs - 60_000)
    await forgetDeadJobs({ ...testCtx(), now: () => now })
    const left = await ctx.db.select({ id: deadJobs.id }).from(deadJobs).where(eq(deadJobs.organizationId, world.organizationId))
    expect(left).toEqual([{ id: kept }])
  })
})

async function mailOf(id: string) {
  return (await ctx.db.select().from(mails).where(eq(mails.id, id)))[0]
}
