import { createExecutionContext, createMessageBatch, env, getQueueResult, waitOnExecutionContext } from 'cloudflare:test'
import { eq } from 'drizzle-orm'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { tasks } from '../../src/db/schema.ts'
import { createTask, startTask } from '../../src/features/tasks/create.ts'
import { consumeJobs } from '../../src/jobs/consume.ts'
import { dispatch } from '../../src/jobs/dispatch.ts'
import type { Dispatch } from '../../src/jobs/dispatch.ts'
import { runTask } from '../../src/jobs/run_task.ts'
import type { TaskStep } from '../../src/jobs/task_step.ts'
import { taskSteps } from '../../src/jobs/task_steps.ts'
import worker from '../../src/worker.ts'
import { createWorld } from '../support/world.ts'
import type { World } from '../support/world.ts'
import { auditOf, keepingJobs, ownerWithJobs } from './control_world.ts'
import type { Sent } from './control_world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(() => vi.restoreAllMocks())

/** The lines that the Worker writes from here on. */
function linesOf() {
  const written = vi.spyOn(console, 'log')
  return (message: string) =>
    written.mock.calls.map(([line]) => JSON.parse(String(line)) as Record<string, unknown>).filter((line) => line['message'] === message)
}

describe('a request and the jobs that it makes', () => {
  it('have one id, by which the lines of the log lead from one to the other', async () => {
    const lines = linesOf()
    // The Worker itself, with queues that keep what they are given: the test delivers it.
    const { env: kept, sent } = keepingJobs(env)
    const execution = createExecutionContext()
    const headers = { Authorization: `Bearer ${world.owner.accessToken}`, 'Content-Type': 'application/json' }
    const body = JSON.stringify({ q: 'no log has this' })
    const reply = await worker.fetch(
      new Request('https://edgelog.test/api/v1/logs/archive', { method: 'POST', headers, body }),
      kept,
      execution,
    )
    expect(reply.status).toBe(202)
    const { id } = await reply.json<{ id: string }>()
    await waitOnExecutionContext(execution)
    const requestId = reply.headers.get('X-Request-Id')
    expect(lines('request')).toContainEqual(expect.objectContaining({ request_id: requestId, route: 'logs.archive', status: 202 }))
    const messages = sent.map(({ job }) => ({ id: crypto.randomUUID(), timestamp: new Date(), body: job, attempts: 1 }))
    expect(messages).toHaveLength(1)
    await worker.queue(createMessageBatch('task-jobs', messages), kept, createExecutionContext())
    const [job] = lines('job').filter((line) => line['task_id'] === id)
    expect(job).toMatchObject({ request_id: requestId, queue: 'task-jobs', kind: 'task', step: 0, attempts: 1, outcome: 'done' })
    expect(job).toMatchObject({ organization_id: world.organizationId, message_id: expect.any(String) as string })
    expect(job?.['run_id']).not.toBe(requestId)
    const { ctx } = ownerWithJobs(world)
    const [task] = await ctx.db.select({ requestId: tasks.requestId }).from(tasks).where(eq(tasks.id, id))
    expect(task).toEqual({ requestId })
  })

  it('keep it from one step of a chain to the next', async () => {
    const { ctx, sent } = ownerWithJobs(world)
    const { id } = await createTask(ctx, { kind: 'archive', params: {}, action: 'logs.archive' })
    await startTask(ctx, { id })
    const step: TaskStep = async (_, { state }) => {
      return state['n'] === 2
        ? { status: 'done', result: {} }
        : { status: 'again', afterSeconds: 1, progress: 0, state: { n: Number(state['n'] ?? 0) + 1 } }
    }
    for (let next = sent.shift(); next !== undefined; next = sent.shift())
      await deliverTo(tableWith(step), { ...ctx, requestId: 'of-another-run' }, next)
    expect(await auditOf(world, 'task.succeed')).toHaveLength(1)
    const { results } = await env.DB.prepare("SELECT request_id FROM audit_log WHERE target_id = ? AND action = 'task.succeed'")
      .bind(id)
      .all()
    expect(results).toEqual([{ request_id: ctx.requestId }])
  })
})

type Ctx = Parameters<typeof consumeJobs>[0]

/** The table of handlers with one step in the place of that of archives. */
function tableWith(step: TaskStep): Dispatch {
  const run: Dispatch['task-jobs']['run'] = async (ctx, job) => {
    if (job.kind === 'task') await runTask(ctx, job, { ...taskSteps, archive: step }, false)
  }
  return { ...dispatch, 'task-jobs': { ...dispatch['task-jobs'], run } }
}

/** Delivers one message; whether it was acknowledged. */
async function deliverTo(table: Dispatch, ctx: Ctx, { job }: Sent): Promise<boolean> {
  let acked = false
  const message = { id: crypto.randomUUID(), body: job, attempts: 1, ack: () => void (acked = true), retry: () => undefined }
  await consumeJobs(ctx, { queue: 'task-jobs', messages: [message] }, table)
  return acked
}

const fates = ['acknowledged', 'killed before the acknowledgement', 'delivered twice at once', 'delivered again later'] as const
const stepsOfTask = 4

describe('a chain of jobs', () => {
  it('comes to the same end once, whatever is delivered twice, late, in another order, or lost with its consumer', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined)
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ fate: fc.constantFrom(...fates), pick: fc.nat(99) }), { minLength: 4, maxLength: 25 }),
        async (events) => {
          const { ctx, sent } = ownerWithJobs(world)
          const { id } = await createTask(ctx, { kind: 'archive', params: {}, action: 'logs.archive' })
          await startTask(ctx, { id })
          // Its effect, by its number: the same again is the same.
          const effects = new Set<number>()
          const table = tableWith(async (_, { state }) => {
            const n = Number(state['n'] ?? 0) + 1
            effects.add(n)
            return n < stepsOfTask
              ? { status: 'again', afterSeconds: 1, progress: 0, state: { n } }
              : { status: 'done', result: { n, files: n } }
          })
          const quiet = events.length
          for (let i = 0; sent.length > 0 && i < quiet + 200; i += 1) {
            const { fate, pick } = events[i] ?? { fate: 'acknowledged', pick: 0 }
            const [message] = sent.splice(pick % sent.length, 1)
            if (fate === 'delivered twice at once') await Promise.all([deliverTo(table, ctx, message!), deliverTo(table, ctx, message!)])
            const acked = await deliverTo(table, ctx, message!)
            if (!acked || fate === 'killed before the acknowledgement' || fate === 'delivered again later') sent.push(message!)
          }
          const [task] = await ctx.db.select().from(tasks).where(eq(tasks.id, id))
          expect(task).toMatchObject({ status: 'SUCCESS', result: { n: stepsOfTask }, progress: 1 })
          expect(effects).toEqual(new Set([1, 2, 3, 4]))
          const ends = await auditOf(world, 'task.*')
          expect(ends.filter(({ target_id }) => target_id === id)).toMatchObject([
            { action: 'task.succeed', details: { result: { files: stepsOfTask } } },
          ])
        },
      ),
      { numRuns: 15 },
    )
  })
})

it('the Worker hands messages to who handles them, and keeps none that nobody knows', async () => {
  const execution = createExecutionContext()
  const consume = async (body: unknown) => {
    const batch = createMessageBatch('task-jobs', [{ id: crypto.randomUUID(), timestamp: new Date(), body, attempts: 1 }])
    await worker.queue(batch, env, execution)
    const { explicitAcks, retryMessages } = await getQueueResult(batch, execution)
    return [explicitAcks.length, retryMessages.length]
  }
  const lines = linesOf()
  const job = { kind: 'task', organization_id: world.organizationId, task_id: crypto.randomUUID(), step: 0 }
  expect([await consume(job), await consume({ ...job, step: -1 })]).toEqual([
    [1, 0],
    [1, 0],
  ])
  expect(
    lines('job')
      .filter((line) => line['queue'] === 'task-jobs')
      .map((line) => line['outcome']),
  ).toEqual(['done', 'dead'])
})
