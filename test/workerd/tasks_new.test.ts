import { eq } from 'drizzle-orm'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  processInputKeptMs,
  taskBodyBytesMax,
  taskLateFilesMs,
  tasksPerActorMax,
  tasksRunningMax,
  tasksRunningPerActorMax,
} from '../../src/core/limits.ts'
import type { TenantCtx } from '../../src/db/context.ts'
import { sessions, tasks } from '../../src/db/schema.ts'
import { inputKey } from '../../src/features/tasks/files.ts'
import { forgetOldTasks } from '../../src/jobs/task_sweep.ts'
import { createWorld } from '../support/world.ts'
import type { CallOptions, World } from '../support/world.ts'
import { auditOf, deliver, ownerWithJobs } from './control_world.ts'

let world: World
let ctx: TenantCtx
beforeEach(async () => {
  world = await createWorld()
  ;({ ctx } = ownerWithJobs(world))
})

interface TaskBody {
  id: string
  kind: string
  status: string
  progress: number
  result: Record<string, unknown> | null
  error: string | null
  files_until: string | null
  request_id: string
  code?: string
  detail?: string
  details?: Record<string, string[]>
}

const post = (json: unknown, as = world.owner.accessToken, headers: Record<string, string> = {}) =>
  world.call('/api/v1/tasks', { as, json, headers })
const add = { kind: 'add', params: { a: 2, b: 3 } }
const read = async (path: string, as = world.owner.accessToken) => (await world.call(`/api/v1/tasks${path}`, { as })).json<TaskBody>()
const remove = (id: string, as = world.owner.accessToken) =>
  world.call(`/api/v1/tasks/${id}`, { as, method: 'DELETE' } satisfies CallOptions)

/** A task that was asked for, through the API. */
async function begun(json: unknown, as = world.owner.accessToken, headers: Record<string, string> = {}): Promise<TaskBody> {
  const response = await post(json, as, headers)
  if (response.status !== 202) throw new Error(`not begun: ${response.status} ${await response.text()}`)
  return response.json<TaskBody>()
}

/** Delivers the message of a step, as the queue would; `times` of them at once. */
async function step(id: string, number: number, times = 1): Promise<string[]> {
  const job = { kind: 'task', organization_id: world.organizationId, task_id: id, step: number }
  return Promise.all(Array.from({ length: times }, () => deliver(ctx, job)))
}

describe('a task that is asked for', () => {
  it('is there at once, and has its result after its step, however often that comes', async () => {
    const response = await post(add)
    const task = await response.json<TaskBody>()
    expect([response.status, response.headers.get('Location')]).toEqual([202, `/api/v1/tasks/${task.id}`])
    expect(task).toMatchObject({ kind: 'add', status: 'PENDING', params: { a: 2, b: 3 }, files_until: null })
    expect(task.request_id).toBe(response.headers.get('X-Request-Id'))
    await step(task.id, 0, 3)
    expect(await read(`/${task.id}`)).toMatchObject({ status: 'SUCCESS', progress: 1, result: { sum: 5 } })
    expect((await auditOf(world, 'task.*')).map(({ action, target_id: id }) => [action, id])).toEqual([
      ['task.add', task.id],
      ['task.succeed', task.id],
    ])
  })

  it('counts what is posted, larger than a queue or a row would take, and keeps it no longer than it has to', async () => {
    const text = 'one two two '.repeat(70_000)
    const { id } = await begun({ kind: 'process', params: { text } })
    const key = inputKey(world.organizationId, id)
    expect((await ctx.env.STORAGE.head(key))?.size).toBeGreaterThan(text.length)
    await step(id, 0)
    const task = await read(`/${id}`)
    expect(task).toMatchObject({ status: 'SUCCESS', result: { text: { words: 210_000, lines: 1, bytes: text.length } } })
    expect(Date.parse(task.files_until ?? '') - Date.now()).toBeGreaterThan(processInputKeptMs - 60_000)
    await forgetOldTasks({ ...ctx, now: () => Date.now() + processInputKeptMs + 1 })
    expect([await ctx.env.STORAGE.head(key), (await read(`/${id}`)).files_until]).toEqual([null, null])
  })

  it('fails with a reason when its request died before what was posted had arrived', async () => {
    const { id } = await begun({ kind: 'process', params: { records: [1, 2] } })
    await ctx.env.STORAGE.delete(inputKey(world.organizationId, id))
    await step(id, 0)
    expect(await read(`/${id}`)).toMatchObject({ status: 'FAILURE', error: expect.stringContaining('Send it again') as string })
  })

  it.each([
    ['an unknown kind', { kind: 'rm', params: {} }],
    ['no numbers', { kind: 'add', params: { a: '2', b: 3 } }],
    ['too long a wait', { kind: 'wait', params: { seconds: 3601 } }],
    ['no time at all', { kind: 'wait', params: { seconds: 0 } }],
    ['text and records', { kind: 'process', params: { text: 'x', records: [1] } }],
    ['records in records', { kind: 'process', params: { records: [[1]] } }],
    ['parameters of another kind', { kind: 'wait', params: { a: 1, b: 2 } }],
    ['all logs to be erased by a slip', { kind: 'erase', params: { q: ' ' } }],
    ['a query that cannot be read', { kind: 'export', params: { q: '(level:error' } }],
  ])('is refused with %s', async (_, json) => {
    const response = await post(json)
    expect([response.status, await ctx.db.$count(tasks, eq(tasks.organizationId, world.organizationId))]).toEqual([400, 0])
  })

  it('is refused beyond its size', async () => {
    expect((await post({ kind: 'process', params: { text: 'x'.repeat(taskBodyBytesMax) } })).status).toBe(413)
  })
})

describe('a task that waits', () => {
  it('shows its progress, and stops in the middle: what comes for it later does nothing', async () => {
    const { id } = await begun({ kind: 'wait', params: { seconds: 3600 } })
    await step(id, 0)
    const at = (ms: number) => ({ ...ctx, now: () => Date.now() + ms })
    const job = (number: number) => ({ kind: 'task', organization_id: world.organizationId, task_id: id, step: number })
    await deliver(at(1_800_000), job(1))
    const half = await read(`/${id}`)
    expect([half.status, Math.round(half.progress * 100)]).toEqual(['STARTED', 50])
    expect((await remove(id)).status).toBe(204)
    await deliver(at(3_600_000), job(2))
    expect(await read(`/${id}`)).toMatchObject({ status: 'REVOKED', result: null, progress: half.progress })
    expect(await auditOf(world, 'task.succeed')).toEqual([])
  })

  it('does nothing for a message that is early or late, and ends once', async () => {
    const { id } = await begun({ kind: 'wait', params: { seconds: 1 } })
    expect(await step(id, 1)).toEqual(['retried'])
    await step(id, 0, 2)
    await step(id, 0)
    const later = { ...ctx, now: () => Date.now() + 2_000 }
    const job = { kind: 'task', organization_id: world.organizationId, task_id: id, step: 1 }
    await Promise.all([deliver(later, job), deliver(later, job)])
    expect(await read(`/${id}`)).toMatchObject({ status: 'SUCCESS', result: { waited_seconds: 2 } })
    expect(await auditOf(world, 'task.succeed')).toHaveLength(1)
  })
})

describe('the limits of tasks', () => {
  it('of those at work hold exactly for requests at the same time, of a person and of a key alike', async () => {
    const { key } = await world.createKey('admin')
    const sent = await Promise.all(
      [world.owner.accessToken, key].flatMap((as) => Array.from({ length: tasksRunningPerActorMax + 2 }, () => post(add, as))),
    )
    const statuses = sent.map(({ status }) => status)
    expect(statuses.filter((status) => status === 202)).toHaveLength(2 * tasksRunningPerActorMax)
    expect(statuses.filter((status) => status === 409)).toHaveLength(4)
    const refusals = await Promise.all(sent.filter(({ status }) => status === 409).map((each) => each.json<TaskBody>()))
    const named = refusals.map(({ detail }) =>
      /The limit (\w+) is (\d+)/
        .exec(detail ?? '')
        ?.slice(1)
        .join(' '),
    )
    for (const name of named) expect([`tasks_running ${tasksRunningMax}`, `tasks_running_own ${tasksRunningPerActorMax}`]).toContain(name)
    expect(await ctx.db.$count(tasks, eq(tasks.organizationId, world.organizationId))).toBe(2 * tasksRunningPerActorMax)
    expect(await auditOf(world, 'task.add')).toHaveLength(2 * tasksRunningPerActorMax)
  })

  it('of an hour are told with the time to wait, and others are not concerned', async () => {
    const { db, newId, now } = ctx
    const values = Array.from({ length: tasksPerActorMax - 1 }, () => ({
      organizationId: world.organizationId,
      id: newId(),
      kind: 'add' as const,
      status: 'SUCCESS' as const,
      params: {},
      state: {},
      createdBy: world.owner.userId,
      createdAt: now() - 60_000,
      updatedAt: now(),
    }))
    for (let i = 0; i < values.length; i += 5) await db.insert(tasks).values(values.slice(i, i + 5))
    expect((await post(add)).status).toBe(202)
    const refused = await post(add)
    expect([refused.status, (await refused.json<TaskBody>()).details]).toEqual([
      429,
      { tasks_per_hour: [`at most ${tasksPerActorMax} in 60 minutes`] },
    ])
    const wait = Number(refused.headers.get('Retry-After'))
    expect(wait > 3500 && wait <= 3540).toBe(true)
    expect((await post(add, (await world.addMember('member')).accessToken)).status).toBe(202)
  })
})

describe('an Idempotency-Key', () => {
  const key = { 'Idempotency-Key': 'a key' }
  const as = () => world.owner.accessToken

  it('makes one task of requests that come twice, at the same time too, and beyond the limits', async () => {
    const both = await Promise.all([begun(add, as(), key), begun(add, as(), key)])
    const again = await post(add, as(), key)
    const ids = [...both.map(({ id }) => id), (await again.json<TaskBody>()).id]
    expect(new Set(ids).size).toBe(1)
    expect(again.headers.get('Idempotency-Replayed')).toBe('true')
    for (let i = 1; i < tasksRunningPerActorMax; i++) await begun(add)
    expect([(await post(add)).status, (await begun(add, as(), key)).id]).toEqual([409, ids[0]])
    expect(await auditOf(world, 'task.add')).toHaveLength(tasksRunningPerActorMax)
  })

  it('of another request is refused, and is the own one of each caller', async () => {
    const { id } = await begun(add, as(), key)
    const other = await post({ kind: 'add', params: { a: 2, b: 4 } }, as(), key)
    expect([other.status, (await other.json<TaskBody>()).code]).toEqual([422, 'idempotency_key_reused'])
    const member = await world.addMember('member')
    expect((await begun(add, member.accessToken, key)).id).not.toBe(id)
    expect((await post(add, as(), { 'Idempotency-Key': 'x'.repeat(256) })).status).toBe(400)
  })

  it('brings what was posted to its task when the first request died before', async () => {
    const json = { kind: 'process', params: { text: 'a b' } }
    const { id } = await begun(json, as(), key)
    await ctx.env.STORAGE.delete(inputKey(world.organizationId, id))
    expect((await begun(json, as(), key)).id).toBe(id)
    await step(id, 0)
    expect(await read(`/${id}`)).toMatchObject({ status: 'SUCCESS', result: { text: { words: 2 } } })
  })
})

describe('who may', () => {
  it('start a task may not do by it what the own role does not do', async () => {
    const member = await world.addMember('member')
    const viewer = await world.addMember('viewer')
    const status = async (json: unknown, token: string) => (await post(json, token)).status
    expect(await status(add, viewer.accessToken)).toBe(403)
    expect(await status({ kind: 'export', params: {} }, member.accessToken)).toBe(202)
    for (const kind of ['erase', 'archive']) expect(await status({ kind, params: { q: 'x' } }, member.accessToken)).toBe(403)
    expect(await status({ kind: 'account_export', params: {} }, member.accessToken)).toBe(403)
    expect(await status({ kind: 'archive', params: { q: 'x' } }, world.owner.accessToken)).toBe(202)
    const { key } = await world.createKey('admin', ['tasks:create'])
    expect(await status(add, key)).toBe(202)
    for (const kind of ['export', 'erase', 'archive']) expect(await status({ kind, params: { q: 'x' } }, key)).toBe(403)
    const all = await world.createKey('admin')
    expect(await status({ kind: 'account_export', params: {} }, all.key)).toBe(403)
  })

  it('erase and export the account proves the password first', async () => {
    await ctx.db
      .update(sessions)
      .set({ passwordProvedAt: Date.now() - 3_600_000 })
      .where(eq(sessions.userId, world.owner.userId))
    for (const json of [
      { kind: 'erase', params: { q: 'x' } },
      { kind: 'account_export', params: {} },
    ]) {
      const refused = await post(json)
      expect([refused.status, (await refused.json<TaskBody>()).code]).toEqual([403, 'reauthentication_required'])
    }
    expect((await post({ kind: 'export', params: {} })).status).toBe(202)
  })

  it('stops the own tasks; those of others only who is an admin', async () => {
    const [one, two] = [await world.addMember('member'), await world.addMember('member')]
    const wait = { kind: 'wait', params: { seconds: 60 } }
    const [first, second] = [await begun(wait, one.accessToken), await begun(wait, one.accessToken)]
    expect((await remove(first.id, two.accessToken)).status).toBe(403)
    expect((await remove(first.id, one.accessToken)).status).toBe(204)
    expect((await remove(second.id)).status).toBe(204)
    const stranger = await createWorld()
    expect((await remove(second.id, stranger.owner.accessToken)).status).toBe(404)
  })

  it('began a task finds it among the own ones', async () => {
    const member = await world.addMember('member')
    const { id } = await begun(add, member.accessToken)
    const own = await begun(add)
    const ids = async (query: string) =>
      (
        await (await world.call(`/api/v1/tasks${query}`, { as: world.owner.accessToken })).json<{ results: { id: string }[] }>()
      ).results.map((each) => each.id)
    expect(await ids('?mine=true')).toEqual([own.id])
    expect(await ids('?mine=false')).toEqual([id])
    expect(await ids('')).toEqual([own.id, id])
  })
})

it('the files of a task that is stopped go, also one that a late step still writes', async () => {
  const { id } = await begun({ kind: 'process', params: { text: 'x' } })
  const key = inputKey(world.organizationId, id)
  expect((await remove(id)).status).toBe(204)
  expect(await ctx.env.STORAGE.head(key)).toBeNull()
  await ctx.env.STORAGE.put(key, 'late')
  await forgetOldTasks(ctx)
  expect(await ctx.env.STORAGE.head(key)).not.toBeNull()
  await forgetOldTasks({ ...ctx, now: () => Date.now() + taskLateFilesMs + 1 })
  expect(await ctx.env.STORAGE.head(key)).toBeNull()
})
