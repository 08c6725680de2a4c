import { gunzipSync } from 'node:zlib'
import { eq } from 'drizzle-orm'
import { beforeEach, describe, expect, it } from 'vitest'
import { downloadLinkSecondsDefault, exportKeptMs, taskLateFilesMs } from '../../src/core/limits.ts'
import type { TenantCtx } from '../../src/db/context.ts'
import { apiKeys, memberships, organizations, tasks } from '../../src/db/schema.ts'
import { openLink, sealLink } from '../../src/features/tasks/download_link.ts'
import { partKey } from '../../src/features/tasks/files.ts'
import { createExportStep } from '../../src/jobs/export.ts'
import { runTask } from '../../src/jobs/run_task.ts'
import { taskSteps } from '../../src/jobs/task_steps.ts'
import { forgetOldTasks } from '../../src/jobs/task_sweep.ts'
import { beginTask } from '../../src/search/tasks/begin.ts'
import type { NewTaskInput } from '../../src/search/tasks/schema.ts'
import { accessRows, row } from '../support/rows.ts'
import { withoutLogLines } from '../support/quiet.ts'
import { callFrom, createWorld, randomAddress } from '../support/world.ts'
import type { World } from '../support/world.ts'
import { auditOf, ownerWithJobs } from './control_world.ts'
import type { Sent } from './control_world.ts'
import { readRaw, shardStub, storeRows } from './log_store.ts'

withoutLogLines()

let world: World
let ctx: TenantCtx
let sent: Sent[]
beforeEach(async () => {
  world = await createWorld()
  ;({ ctx, sent } = ownerWithJobs(world))
})

type ExportParams = Extract<NewTaskInput, { kind: 'export' }>['params']
const plain: ExportParams = { q: '', order: 'newest', format: 'ndjson', gzip: false }
const usual = { partBytes: 20_000, partsMax: 100 }

/** Runs an export to its end, each step as often as `times` says, at once. */
async function exported(params: Partial<ExportParams> = {}, limits = usual, times = 1): Promise<string> {
  const { task } = await beginTask(ctx, { kind: 'export', params: { ...plain, ...params } }, undefined)
  const steps = { ...taskSteps, export: createExportStep(limits) }
  for (let next = sent.shift(); next !== undefined; next = sent.shift()) {
    const job = next.job as Extract<Sent['job'], { kind: 'task' }>
    const all = await Promise.allSettled(Array.from({ length: times }, () => runTask(ctx, job, steps, false)))
    expect(all.map(({ status }) => status)).toContain('fulfilled')
  }
  return task.id
}

interface LinkBody {
  url: string
  expires_at: string
  code: string
}

const askLink = (id: string, as = world.owner.accessToken, json: unknown = {}) =>
  world.call(`/api/v1/tasks/${id}/download-link`, { as, json })
async function linkTo(id: string, as = world.owner.accessToken): Promise<string> {
  const response = await askLink(id, as)
  if (response.status !== 201) throw new Error(`no link: ${response.status} ${await response.text()}`)
  return new URL((await response.json<LinkBody>()).url).pathname
}
const get = (path: string, headers: Record<string, string> = {}, method = 'GET') => callFrom(randomAddress(), path, { headers, method })
const fileOf = async (id: string) => new Uint8Array(await (await get(await linkTo(id))).arrayBuffer())
const textOf = async (id: string) => new TextDecoder().decode(await fileOf(id))
const taskOf = async (id: string) => (await ctx.db.select().from(tasks).where(eq(tasks.id, id)))[0]

/** As many hot rows as three pages of an export take, and so three of its objects. */
async function storeMany(): Promise<void> {
  for (let i = 0; i < 3; i++) await storeRows(world, accessRows(1400, i + 2))
}

/** Hot and sealed rows, one of them edited, one deleted, one that a spreadsheet would run. */
async function storeAll(): Promise<void> {
  await storeRows(world, accessRows(400))
  const { rpc, identity } = await shardStub(world)
  await rpc.sealNow(identity)
  await storeRows(world, [row({ message: '=1+1', source: '@x', timestampMs: 7 })])
  await storeMany()
  const { results } = await (await readRaw(world, '/search', { limit: 300, order: 'oldest' })).json<{ results: { id: string }[] }>()
  const change = (id: string | undefined, method: string, json?: unknown) =>
    world.call(`/api/v1/logs/${id}`, { as: world.owner.accessToken, method, json })
  expect((await change(results[100]?.id, 'PATCH', { message: 'edited, "quoted"' })).status).toBe(200)
  expect((await change(results[200]?.id, 'DELETE')).status).toBe(204)
}

describe('an export', () => {
  it.each([
    [{ format: 'csv' }, {}],
    [
      { format: 'csv', order: 'oldest', fields: 'timestamp,message,status,missing' },
      { fields: ['timestamp', 'message', 'status', 'missing'] },
    ],
    [{ format: 'ndjson', q: 'status:404', order: 'oldest' }, {}],
  ] as [Record<string, string>, Partial<ExportParams>][])(
    'as %j gives what GET /logs/export gives, edits and deletions too, over its parts',
    async (query, params) => {
      await storeAll()
      const id = await exported({ ...query, ...params })
      const text = await textOf(id)
      expect(text).toBe(await (await readRaw(world, '/export', query)).text())
      const { status, result, state } = (await taskOf(id)) ?? {}
      expect([status, result?.['bytes']]).toEqual(['SUCCESS', new TextEncoder().encode(text).length])
      const lines = text.trimEnd().split(/\r?\n/).length
      expect(result?.['rows']).toBe(query['format'] === 'csv' ? lines - 1 : lines)
      expect(Number(state?.['files'])).toBeGreaterThan('q' in query ? 0 : 2)
    },
  )

  it('is of one moment and without gap or repeat, though steps run twice at once and logs come and go', async () => {
    await storeAll()
    const before = await (await readRaw(world, '/export', { format: 'csv' })).text()
    const { task } = await beginTask(ctx, { kind: 'export', params: { ...plain, format: 'csv' } }, undefined)
    const steps = { ...taskSteps, export: createExportStep(usual) }
    for (let next = sent.shift(); next !== undefined; next = sent.shift()) {
      const job = next.job as Extract<Sent['job'], { kind: 'task' }>
      await Promise.allSettled([runTask(ctx, job, steps, false), runTask(ctx, job, steps, false)])
      await storeRows(world, accessRows(3, 9))
    }
    expect(await textOf(task.id)).toBe(before)
  })

  it('goes on from an object that a killed step left, whatever a repeat would have written', async () => {
    await storeMany()
    const { task } = await beginTask(ctx, { kind: 'export', params: plain }, undefined)
    const next = () => sent.shift()!.job as Extract<Sent['job'], { kind: 'task' }>
    const steps = { ...taskSteps, export: createExportStep(usual) }
    await runTask(ctx, next(), steps, false)
    const job = next()
    // The step writes its object, and dies before its state is stored.
    const state = await taskOf(task.id)
    await createExportStep(usual)(ctx, { ...state!, createdMs: 0 })
    expect(await ctx.env.STORAGE.head(partKey(world.organizationId, task.id, 0))).not.toBeNull()
    await runTask(ctx, job, { ...taskSteps, export: createExportStep({ ...usual, partBytes: 1 }) }, false)
    while (sent.length > 0) await runTask(ctx, next(), steps, false)
    expect(await textOf(task.id)).toBe(await (await readRaw(world, '/export', { format: 'ndjson' })).text())
  })

  it('can be compressed: its parts together are one gzip file', async () => {
    await storeAll()
    const id = await exported({ format: 'csv', gzip: true })
    const response = await get(await linkTo(id))
    expect(response.headers.get('Content-Type')).toBe('application/gzip')
    expect(response.headers.get('Content-Disposition')).toMatch(/^attachment; filename="edgelog-\d{4}-\d\d-\d\d\.csv\.gz"$/)
    const bytes = new Uint8Array(await response.arrayBuffer())
    expect(Number(response.headers.get('Content-Length'))).toBe(bytes.length)
    expect(gunzipSync(bytes).toString()).toBe(await (await readRaw(world, '/export', { format: 'csv' })).text())
  })

  it('of nothing has a head, or nothing', async () => {
    expect(await textOf(await exported({ format: 'csv' }))).toBe(
      'id,timestamp,severity,source,message,attributes,created_at,updated_at\r\n',
    )
    expect(await textOf(await exported())).toBe('')
    expect(gunzipSync(await fileOf(await exported({ gzip: true }))).toString()).toBe('')
  })

  it('fails at its limit of parts, and that is not offered as a file', async () => {
    await storeMany()
    const id = await exported({}, { partBytes: 1000, partsMax: 2 })
    expect(await taskOf(id)).toMatchObject({ status: 'FAILURE', error: expect.stringContaining('2 parts') as string })
    expect((await askLink(id)).status).toBe(409)
  })

  it('is removed when its time is over, and its link ends then', async () => {
    await storeRows(world, accessRows(5))
    const id = await exported()
    const path = await linkTo(id)
    const key = partKey(world.organizationId, id, 0)
    await forgetOldTasks({ ...ctx, now: () => Date.now() + exportKeptMs - 60_000 })
    expect((await get(path)).status).toBe(200)
    await forgetOldTasks({ ...ctx, now: () => Date.now() + exportKeptMs + 60_000 })
    expect([await ctx.env.STORAGE.head(key), (await taskOf(id))?.filesUntil, (await get(path)).status]).toEqual([null, null, 404])
    expect((await askLink(id)).status).toBe(409)
  })

  it('that is stopped in the middle leaves no object, also none of a step that was under way', async () => {
    await storeMany()
    const { task } = await beginTask(ctx, { kind: 'export', params: plain }, undefined)
    const steps = { ...taskSteps, export: createExportStep(usual) }
    const next = () => sent.shift()!.job as Extract<Sent['job'], { kind: 'task' }>
    await runTask(ctx, next(), steps, false)
    await runTask(ctx, next(), steps, false)
    const middle = await taskOf(task.id)
    expect(middle?.status).toBe('STARTED')
    const removed = await world.call(`/api/v1/tasks/${task.id}`, { as: world.owner.accessToken, method: 'DELETE' })
    expect(removed.status).toBe(204)
    await createExportStep(usual)(ctx, { ...middle!, createdMs: 0 })
    await forgetOldTasks({ ...ctx, now: () => Date.now() + taskLateFilesMs + 1 })
    const { objects } = await ctx.env.STORAGE.list({ prefix: partKey(world.organizationId, task.id, 0).slice(0, -1) })
    expect(objects).toEqual([])
  })
})

describe('a download link', () => {
  let id: string
  beforeEach(async () => {
    await storeRows(world, accessRows(20))
    id = await exported()
  })

  it('gives the file to whoever has it, whole or in ranges, and is written down', async () => {
    await storeMany()
    id = await exported()
    const response = await askLink(id)
    const { url, expires_at: expiresAt } = await response.json<LinkBody>()
    expect(Math.round((Date.parse(expiresAt) - Date.now()) / 60_000)).toBe(downloadLinkSecondsDefault / 60)
    const path = new URL(url).pathname
    const whole = await (await get(path)).text()
    expect(whole).toBe(await (await readRaw(world, '/export', { format: 'ndjson' })).text())
    // Over the edge of two parts.
    const sizes = (await taskOf(id))?.state['sizes'] as number[]
    const from = (sizes[0] ?? 0) - 10
    const part = await get(path, { Range: `bytes=${from}-${from + 19}` })
    expect([part.status, part.headers.get('Content-Range'), part.headers.get('Content-Length')]).toEqual([
      206,
      `bytes ${from}-${from + 19}/${whole.length}`,
      '20',
    ])
    expect(await part.text()).toBe(whole.slice(from, from + 20))
    expect((await get(path, { Range: `bytes=${whole.length}-` })).status).toBe(416)
    const head = await get(path, {}, 'HEAD')
    expect([head.status, head.headers.get('Content-Length'), await head.text()]).toEqual([200, String(whole.length), ''])
    expect(head.headers.get('Cache-Control')).toContain('no-store')
    expect(await auditOf(world, 'task.download_link')).toMatchObject([
      { target_id: id, details: { kind: 'export', expires_at: expiresAt } },
    ])
  })

  it('is answered alike, whatever is wrong with it', async () => {
    const by = { kind: 'user', id: world.owner.userId } as const
    const claims = { organizationId: world.organizationId, taskId: id, endsMs: Date.now() + 60_000, by }
    const good = sealLink(ctx, claims)
    const stranger = await createWorld()
    const sealed = (change: object) => sealLink(ctx, { ...claims, ...change })
    const flipped = `${good.slice(0, -3)}${good.at(-3) === 'A' ? 'B' : 'A'}${good.slice(-2)}`
    const bad = {
      changed: flipped,
      'cut off': good.slice(0, -8),
      'of no key': `nobody.${good.split('.')[1]}`,
      'plain text': Buffer.from(JSON.stringify(claims)).toString('base64url'),
      over: sealed({ endsMs: Date.now() - 1 }),
      'of another organization': sealed({ organizationId: stranger.organizationId }),
      'of no task': sealed({ taskId: crypto.randomUUID() }),
      "of a stranger's right": sealed({ by: { kind: 'user', id: stranger.owner.userId } }),
      'of no key of theirs': sealed({ by: { kind: 'api_key', id: crypto.randomUUID() } }),
      'with odd characters': '..%2f..%2fetc',
    }
    expect((await get(`/api/v1/downloads/${good}`)).status).toBe(200)
    const answers = new Set<string>()
    for (const [name, token] of Object.entries(bad)) {
      const response = await get(`/api/v1/downloads/${token}`)
      expect([name, response.status]).toEqual([name, 404])
      const { request_id: _, ...body } = await response.json<Record<string, unknown>>()
      answers.add(JSON.stringify(body))
    }
    expect(answers.size).toBe(1)
    expect(openLink(ctx, good)).toEqual(claims)
  })

  it('ends with its task, its organization, and the right of who made it', async () => {
    const { key, id: keyId } = await world.createKey('admin')
    const paths = { owner: await linkTo(id), key: await linkTo(id, key) }
    const statuses = async () => Promise.all(Object.values(paths).map(async (path) => (await get(path)).status))
    expect(await statuses()).toEqual([200, 200])
    const { db } = ctx
    await db.update(apiKeys).set({ revokedAt: Date.now() }).where(eq(apiKeys.id, keyId))
    expect(await statuses()).toEqual([200, 404])
    await db
      .update(apiKeys)
      .set({ revokedAt: null, scopes: ['tasks:read'] })
      .where(eq(apiKeys.id, keyId))
    expect(await statuses()).toEqual([200, 404])
    await db
      .update(apiKeys)
      .set({ scopes: ['logs:read'] })
      .where(eq(apiKeys.id, keyId))
    await db.update(organizations).set({ deletedAt: Date.now() }).where(eq(organizations.id, world.organizationId))
    expect(await statuses()).toEqual([404, 404])
    await db.update(organizations).set({ deletedAt: null }).where(eq(organizations.id, world.organizationId))
    const { userId } = world.owner
    const own = await db.delete(memberships).where(eq(memberships.userId, userId)).returning()
    expect(await statuses()).toEqual([404, 200])
    await db.insert(memberships).values(own)
    expect((await world.call(`/api/v1/tasks/${id}`, { as: world.owner.accessToken, method: 'DELETE' })).status).toBe(204)
    expect(await statuses()).toEqual([404, 404])
  })

  it('is made only by who may read the file, for a time within bounds', async () => {
    const { key } = await world.createKey('admin', ['tasks:read'])
    expect((await askLink(id, key)).status).toBe(403)
    expect((await askLink(id, (await createWorld()).owner.accessToken)).status).toBe(404)
    for (const seconds of [59, 604_801, 1.5, '60'])
      expect((await askLink(id, world.owner.accessToken, { expires_in_seconds: seconds })).status).toBe(400)
    const { expires_at: end } = await (await askLink(id, world.owner.accessToken, { expires_in_seconds: 604_800 })).json<LinkBody>()
    expect(Date.parse(end)).toBeLessThanOrEqual((await taskOf(id))?.filesUntil ?? 0)
    const { task } = await beginTask(ctx, { kind: 'add', params: { a: 1, b: 1 } }, undefined)
    expect((await askLink(task.id)).status).toBe(409)
  })
})
