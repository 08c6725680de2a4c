import { env } from 'cloudflare:test'
import { and, eq } from 'drizzle-orm'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  taskAttemptsMax,
  tasksKeptMs,
  tasksRemovedMax,
  tasksRunningMax,
  tasksRunningPerActorMax,
  taskStuckMs,
  taskSweepRowsMax,
} from '../../src/core/limits.ts'
import { ProblemError } from '../../src/core/problems.ts'
import type { TenantCtx } from '../../src/db/context.ts'
import { tasks } from '../../src/db/schema.ts'
import { createTask, startTask } from '../../src/features/tasks/create.ts'
import { runTask } from '../../src/jobs/run_task.ts'
import { taskSteps } from '../../src/jobs/task_steps.ts'
import type { StepOutcome, Task, TaskStep } from '../../src/jobs/task_step.ts'
import { forgetOldTasks, sweepTasks } from '../../src/jobs/task_sweep.ts'
import { createWorld } from '../support/world.ts'
import type { World } from '../support/world.ts'
import { auditOf, deliver, ownerWithJobs, withJobs } from './control_world.ts'
import type { Sent } from './control_world.ts'

let world: World
let ctx: TenantCtx
let sent: Sent[]
beforeEach(async () => {
  world = await createWorld()
  ;({ ctx, sent } = ownerWithJobs(world))
})

const newTask = () => createTask(ctx, { kind: 'archive', params: { q: 'x' }, action: 'logs.archive' })
const read = async (id: string) => (await ctx.db.select().from(tasks).where(eq(tasks.id, id)))[0]

/** Runs the step of a message with `step` in the place of the real ones. */
async function run(job: Sent['job'] | undefined, step: TaskStep, lastAttempt = false): Promise<void> {
  if (job?.kind !== 'task') throw new Error('no message was sent')
  await runTask(ctx, job, { ...taskSteps, erase: step, archive: step }, lastAttempt)
}

const again = (state = {}, progress = 0.5): StepOutcome => ({ status: 'again', afterSeconds: 3, progress, state })

describe('a task', () => {
  it('goes from step to step, each with what the one before left, to its result', async () => {
    const { id } = await newTask()
    await startTask(ctx, { id })
    const seen: Task[] = []
    const step: TaskStep = async (_, task) => {
      seen.push(task)
      return seen.length < 3 ? again({ n: seen.length }, seen.length / 4) : { status: 'done', result: { files: 2 } }
    }
    await run(sent[0]?.job, step)
    expect(await read(id)).toMatchObject({ status: 'STARTED', progress: 0.25, step: 1 })
    expect(sent[1]).toMatchObject({ job: { kind: 'task', task_id: id, step: 1 }, delaySeconds: 3 })
    await run(sent[1]?.job, step)
    await run(sent[2]?.job, step)
    expect(seen.map(({ state }) => state)).toEqual([{}, { n: 1 }, { n: 2 }])
    expect(await read(id)).toMatchObject({ status: 'SUCCESS', progress: 1, result: { files: 2 } })
    expect(await auditOf(world, '*a*')).toMatchObject([
      { action: 'organization.create' },
      { action: 'logs.archive', actor_kind: 'user', target_id: id, details: { q: 'x' } },
      { action: 'task.succeed', actor_kind: 'system', target_id: id, details: { kind: 'archive', result: { files: 2 } } },
    ])
  })

  it('does each step once for whatever messages come twice, and ends once', async () => {
    const { id } = await newTask()
    await startTask(ctx, { id })
    let steps = 0
    const step: TaskStep = async () => (++steps === 1 ? again() : { status: 'done', result: {} })
    const [first] = sent
    await run(first?.job, step)
    await run(first?.job, step)
    expect([steps, sent.length]).toEqual([1, 2])
    await Promise.all([run(sent[1]?.job, step), run(sent[1]?.job, step)])
    expect(await auditOf(world, 'task.succeed')).toHaveLength(1)
  })

  it('waits for the step before, when a message is early', async () => {
    const { id } = await newTask()
    await startTask(ctx, { id })
    const early = { ...sent[0]!.job, step: 1 } as Sent['job']
    await expect(run(early, async () => again())).rejects.toThrow('the step before')
  })

  it('is tried again after a failure, and fails for good with the last attempt', async () => {
    const { id } = await newTask()
    await startTask(ctx, { id })
    const broken: TaskStep = async () => Promise.reject(new Error('secret detail'))
    await expect(run(sent[0]?.job, broken)).rejects.toThrow('secret detail')
    expect(await read(id)).toMatchObject({ status: 'RETRY', retries: 1, step: 0 })
    await run(sent[0]?.job, broken, true)
    const failed = await read(id)
    expect(failed).toMatchObject({ status: 'FAILURE' })
    expect(failed?.error).not.toContain('secret')
    expect(await auditOf(world, 'task.fail')).toHaveLength(1)
  })

  it('that its step gives up fails with a reason', async () => {
    const { id } = await newTask()
    await startTask(ctx, { id })
    await run(sent[0]?.job, async () => ({ status: 'failed', reason: 'The query is too slow.' }))
    expect(await read(id)).toMatchObject({ status: 'FAILURE', error: 'The query is too slow.' })
  })

  it('is not one of too many at a time', async () => {
    const others = Array.from({ length: tasksRunningMax / tasksRunningPerActorMax }, () => crypto.randomUUID())
    const begin = (userId: string) =>
      createTask(
        { ...ctx, actor: { kind: 'user', userId, sessionId: 's', roles: ['owner'] } },
        { kind: 'archive', params: {}, action: 'logs.archive' },
      )
    for (const userId of others) for (let i = 0; i < tasksRunningPerActorMax; i++) await begin(userId)
    const error: unknown = await newTask().catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(ProblemError)
    expect(error).toMatchObject({ code: 'conflict' })
    expect((error as ProblemError).detail).toContain(`tasks_running is ${tasksRunningMax}`)
    expect(await auditOf(world, 'logs.archive')).toHaveLength(tasksRunningMax)
  })

  it('goes on when its message was lost, and is forgotten long after its end', async () => {
    const { id } = await newTask()
    const { id: old } = await newTask()
    const { ctx: cron, sent: swept } = withJobs()
    const ours = () => swept.filter(({ job }) => job.kind === 'task' && job.organization_id === world.organizationId)
    await sweepTasks(cron)
    expect(ours()).toEqual([])
    await ctx.db
      .update(tasks)
      .set({ updatedAt: Date.now() - taskStuckMs - 1, step: 4 })
      .where(eq(tasks.id, id))
    await ctx.db
      .update(tasks)
      .set({ updatedAt: Date.now() - tasksKeptMs - 1, status: 'SUCCESS' })
      .where(eq(tasks.id, old))
    await sweepTasks(cron)
    await forgetOldTasks(cron)
    expect(ours()).toMatchObject([{ job: { task_id: id, step: 4 } }])
    expect([await read(old), (await read(id))?.status]).toEqual([undefined, 'PENDING'])
  })

  it('is one of a limited number that one run of the schedule sends on or forgets', async () => {
    const insert = `INSERT INTO tasks (organization_id, id, kind, status, params, state, created_by, created_at, updated_at)
      WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
      SELECT ?2, ?3 || i, 'archive', ?3, '{}', '{}', 'x', 0, i FROM n`
    await env.DB.prepare(insert).bind(taskSweepRowsMax, world.organizationId, 'STARTED').run()
    await env.DB.prepare(insert).bind(tasksRemovedMax, world.organizationId, 'SUCCESS').run()
    const { ctx: cron, sent: swept } = withJobs()
    await sweepTasks(cron)
    await forgetOldTasks(cron)
    expect(swept).toHaveLength(taskSweepRowsMax)
    expect(swept[0]).toMatchObject({ job: { task_id: 'STARTED0' } })
    expect(await ctx.db.$count(tasks, and(eq(tasks.organizationId, world.organizationId), eq(tasks.status, 'SUCCESS')))).toBe(1)
    await env.DB.prepare('DELETE FROM tasks WHERE organization_id = ?').bind(world.organizationId).run()
  })
})

describe('the queue of tasks', () => {
  it('has nothing to do for a task that is not there', async () => {
    const job = { kind: 'task', organization_id: world.organizationId, task_id: crypto.randomUUID(), step: 0 }
    expect(await deliver(ctx, job)).toBe('acked')
  })

  it('ends a task whose step fails each time, before the platform gives its message up', async () => {
    const { id } = await createTask(ctx, { kind: 'erase', params: { q: 5 }, action: 'logs.erase' })
    const job = { kind: 'task', organization_id: world.organizationId, task_id: id, step: 0 }
    expect(await deliver(ctx, job, 1)).toBe('retried')
    expect(await deliver(ctx, job, taskAttemptsMax)).toBe('acked')
    expect((await read(id))?.status).toBe('FAILURE')
  })
})

describe('the routes of tasks', () => {
  const call = (path: string, method = 'GET', as = world.owner.accessToken) => world.call(`/api/v1/tasks${path}`, { as, method })

  it('list the newest first, by state and kind, page by page', async () => {
    const ids: string[] = []
    for (let i = 0; i < 3; i++) ids.unshift((await newTask()).id)
    await ctx.db.update(tasks).set({ status: 'SUCCESS' }).where(eq(tasks.id, ids[1]!))
    const listed = async (query: string) => {
      const { count, results } = await (await call(query)).json<{ count: number; results: { id: string }[] }>()
      return [count, results.map(({ id }) => id)]
    }
    expect(await listed('')).toEqual([3, ids])
    expect(await listed('?page_size=1&page=2')).toEqual([3, [ids[1]]])
    expect(await listed('?status=SUCCESS')).toEqual([1, [ids[1]]])
    expect(await listed('?kind=erase')).toEqual([0, []])
  })

  it('show one task without what its steps remember', async () => {
    const { id } = await newTask()
    const body = await (await call(`/${id}`)).json<Record<string, unknown>>()
    expect(body).toMatchObject({ id, kind: 'archive', status: 'PENDING', params: { q: 'x' }, created_by: world.owner.userId })
    expect(Object.keys(body)).not.toContain('state')
  })

  it('stop a task once: what comes for it later does nothing', async () => {
    const { id } = await newTask()
    await startTask(ctx, { id })
    expect((await call(`/${id}`, 'DELETE')).status).toBe(204)
    expect((await call(`/${id}`, 'DELETE')).status).toBe(409)
    let steps = 0
    await run(sent[0]?.job, async () => again({ steps: ++steps }))
    expect([steps, (await read(id))?.status]).toEqual([0, 'REVOKED'])
    expect(await auditOf(world, 'task.revoke')).toMatchObject([{ target_id: id, actor_kind: 'user' }])
  })

  it('do not stop an erasure, nor the task of another organization, nor for a viewer', async () => {
    const { id } = await createTask(ctx, { kind: 'erase', params: {}, action: 'logs.erase' })
    expect((await call(`/${id}`, 'DELETE')).status).toBe(409)
    const stranger = await createWorld()
    for (const method of ['GET', 'DELETE']) expect((await call(`/${id}`, method, stranger.owner.accessToken)).status).toBe(404)
    const viewer = await world.addMember('viewer')
    expect((await call(`/${id}`, 'DELETE', viewer.accessToken)).status).toBe(403)
    expect((await call(`/${id}`, 'GET', viewer.accessToken)).status).toBe(200)
    expect(await auditOf(world, 'task.revoke')).toEqual([])
  })
})
