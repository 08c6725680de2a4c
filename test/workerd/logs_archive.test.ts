import { eq } from 'drizzle-orm'
import { beforeEach, describe, expect, it } from 'vitest'
import type { TenantCtx } from '../../src/db/context.ts'
import type { EncodableRow } from '../../src/engine/row.ts'
import { tasks } from '../../src/db/schema.ts'
import { forgetOldTasks } from '../../src/jobs/task_sweep.ts'
import { createArchiveStep } from '../../src/jobs/archive.ts'
import { runTask } from '../../src/jobs/run_task.ts'
import { taskSteps } from '../../src/jobs/task_steps.ts'
import { archiveLogs } from '../../src/search/storage/archive.ts'
import { readParquet } from '../support/parquet.ts'
import { row } from '../support/rows.ts'
import { createWorld } from '../support/world.ts'
import type { World } from '../support/world.ts'
import { auditOf, ownerWithJobs, runSteps } from './control_world.ts'
import type { Sent } from './control_world.ts'
import { shardStub, storeHotAndSealed, storeRows } from './log_store.ts'

let world: World
let ctx: TenantCtx
let sent: Sent[]
beforeEach(async () => {
  world = await createWorld()
  ;({ ctx, sent } = ownerWithJobs(world))
})

const startMs = Date.UTC(2026, 10, 22, 7)
const numbered = (first: number, count: number): EncodableRow[] =>
  Array.from({ length: count }, (_, i) =>
    row({ timestampMs: startMs + first + i, message: `row ${first + i}`, attributes: { n: first + i } }),
  )

interface TaskBody {
  id: string
  status: string
  progress: number
  result: { files: number; rows: number; bytes: number; first_file?: string; prefix?: string } | null
}

const api = (path: string, as = world.owner.accessToken) => world.call(`/api/v1${path}`, { as })
const taskOf = async (id: string) => (await api(`/tasks/${id}`)).json<TaskBody>()

async function messagesOf(taskId: string, files: number): Promise<unknown[][]> {
  const parts: unknown[][] = []
  for (let n = 0; n < files; n++) {
    const response = await api(`/tasks/${taskId}/files/${n}`)
    expect([response.status, response.headers.get('Content-Type')]).toEqual([200, 'application/vnd.apache.parquet'])
    const { rows } = await readParquet(new Uint8Array(await response.arrayBuffer()))
    parts.push(rows.map((each) => each.get('message')))
  }
  return parts
}

const names = (first: number, count: number) => Array.from({ length: count }, (_, i) => `row ${first + i}`)

describe('an archive', () => {
  it('holds what matches, hot and sealed, oldest first, as Parquet that the tenant can fetch', async () => {
    await storeHotAndSealed(world, numbered(10, 10), numbered(0, 10))
    const { id } = await archiveLogs(ctx, { q: 'n:>=3', from: undefined, to: `${startMs + 18}` })
    await runSteps(ctx, sent)
    const { status, progress, result } = await taskOf(id)
    expect([status, progress, result?.files, result?.rows]).toEqual(['SUCCESS', 1, 1, 15])
    expect(await messagesOf(id, 1)).toEqual([names(3, 15)])
    expect(result?.prefix).toBe(`org/${world.organizationId}/archive/${id}/`)
    expect(result?.first_file).toBe(`/api/v1/tasks/${id}/files/0`)
    const response = await api(`/tasks/${id}/files/0`)
    expect(Number(response.headers.get('Content-Length'))).toBe(result?.bytes)
    const { rows } = await readParquet(new Uint8Array(await response.arrayBuffer()))
    const logs = await (await api(`/logs/search?q=n:3`)).json<{ results: { id: string; timestamp: string }[] }>()
    expect(rows[0]?.get('id')).toBe(logs.results[0]?.id)
    expect(rows[0]?.get('n')).toBe(3)
    expect(await auditOf(world, '*archive*')).toMatchObject([{ action: 'logs.archive', target_id: id }])
  })

  it('of nothing has no file', async () => {
    const { id } = await archiveLogs(ctx, { q: '' })
    await runSteps(ctx, sent)
    expect((await taskOf(id)).result).toEqual({ files: 0, rows: 0, bytes: 0 })
    expect((await api(`/tasks/${id}/files/0`)).status).toBe(404)
  })

  it('is of one moment and without gap or repeat, though steps run twice at once and logs come and go', async () => {
    await storeRows(world, numbered(0, 23))
    const step = createArchiveStep({ fileRowsMax: 5, fileCharsMax: 1e6, pageRows: 2, filesMax: 100 })
    const run = (job: Sent['job']) => runTask(ctx, job as Extract<Sent['job'], { kind: 'task' }>, { ...taskSteps, archive: step }, false)
    const { id } = await archiveLogs(ctx, { q: '' })
    const { rpc, identity } = await shardStub(world)
    let steps = 0
    for (let next = sent.shift(); next !== undefined; next = sent.shift()) {
      const { job } = next
      const both = await Promise.allSettled([run(job), run(job)])
      expect(both.map((each) => each.status)).toContain('fulfilled')
      // A log that comes late, an old one at that, is not of the moment; one that is sealed meanwhile stays in it.
      await storeRows(world, numbered(1, 1))
      if (++steps === 3) await rpc.sealNow(identity)
    }
    const { result } = await taskOf(id)
    expect(await messagesOf(id, result?.files ?? 0)).toEqual([names(0, 5), names(5, 5), names(10, 5), names(15, 5), names(20, 3)])
    expect(result?.rows).toBe(23)
  })

  it('ends a file by the size of its text, and itself at its limit of files', async () => {
    await storeRows(world, numbered(0, 9))
    const step = createArchiveStep({ fileRowsMax: 100, fileCharsMax: 30, pageRows: 1, filesMax: 2 })
    const { id } = await archiveLogs(ctx, { q: '' })
    for (let next = sent.shift(); next !== undefined; next = sent.shift()) {
      await runTask(ctx, next.job as Extract<Sent['job'], { kind: 'task' }>, { ...taskSteps, archive: step }, false)
    }
    const task = await (await api(`/tasks/${id}`)).json<{ status: string; error: string }>()
    expect([task.status, task.error]).toEqual(['FAILURE', expect.stringContaining('It has 2 files')])
    // Each row counts 3 + 5 characters of text and 8 for its number.
    expect((await messagesOf(id, 2)).map((each) => each.length)).toEqual([2, 2])
  })

  it('is asked for by who may, in the query language', async () => {
    const { key } = await world.createKey('query')
    const post = (as: string, json: unknown) => world.call('/api/v1/logs/archive', { as, json })
    expect((await post(key, {})).status).toBe(403)
    expect((await post(world.owner.accessToken, { q: 'a:[' })).status).toBe(400)
    const response = await post(world.owner.accessToken, { q: 'level:error' })
    expect(response.status).toBe(202)
    const { id } = await response.json<TaskBody>()
    expect(response.headers.get('Location')).toBe(`/api/v1/tasks/${id}`)
    expect(await taskOf(id)).toMatchObject({ id, kind: 'archive', params: { q: 'level:error' } })
  })

  it('of another organization cannot be fetched', async () => {
    await storeRows(world, numbered(0, 3))
    const { id } = await archiveLogs(ctx, { q: '' })
    await runSteps(ctx, sent)
    const stranger = await createWorld()
    expect((await stranger.call(`/api/v1/tasks/${id}/files/0`, { as: stranger.owner.accessToken })).status).toBe(404)
    expect((await api(`/tasks/${id}/files/0`)).status).toBe(200)
    expect((await api(`/tasks/${id}/files/1`)).status).toBe(404)
  })

  it('is gone with its files when its task is deleted, also while it is at work, and once', async () => {
    await storeRows(world, numbered(0, 10))
    const [done, running] = [await archiveLogs(ctx, { q: '' }), await archiveLogs(ctx, { q: '' })]
    const stored = async () => (await ctx.env.STORAGE.list({ prefix: `org/${world.organizationId}/archive/` })).objects.length
    await runSteps(ctx, sent)
    // A file that a step had just written when its task was deleted.
    await ctx.db.update(tasks).set({ status: 'STARTED' }).where(eq(tasks.id, running.id))
    expect(await stored()).toBe(2)
    const remove = (id: string) => world.call(`/api/v1/tasks/${id}`, { as: world.owner.accessToken, method: 'DELETE' })
    for (const { id } of [done, running]) {
      expect((await remove(id)).status).toBe(204)
      expect((await api(`/tasks/${id}/files/0`)).status).toBe(404)
      expect((await remove(id)).status).toBe(409)
    }
    expect(await stored()).toBe(0)
  })

  it('is gone with its files when its task is forgotten', async () => {
    await storeRows(world, numbered(0, 10))
    const { id } = await archiveLogs(ctx, { q: '' })
    await runSteps(ctx, sent)
    const key = `org/${world.organizationId}/archive/${id}/0.parquet`
    expect(await ctx.env.STORAGE.head(key)).not.toBeNull()
    await ctx.db.update(tasks).set({ updatedAt: 1 }).where(eq(tasks.id, id))
    await forgetOldTasks(ctx)
    expect([await ctx.env.STORAGE.head(key), (await api(`/tasks/${id}`)).status]).toEqual([null, 404])
  })
})
