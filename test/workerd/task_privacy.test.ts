import { eq } from 'drizzle-orm'
import { beforeEach, describe, expect, it } from 'vitest'
import { downloadAuditedEveryMs, processInputKeptMs } from '../../src/core/limits.ts'
import type { TenantCtx } from '../../src/db/context.ts'
import { accountMemberships, organizations, sessions, tasks } from '../../src/db/schema.ts'
import { openDownload } from '../../src/features/tasks/download.ts'
import { forgetOldTasks } from '../../src/jobs/task_sweep.ts'
import { callFrom, createWorld, randomAddress } from '../support/world.ts'
import type { Person, World } from '../support/world.ts'
import { auditOf, ownerWithJobs, runSteps } from './control_world.ts'
import type { Sent } from './control_world.ts'

let world: World
let ctx: TenantCtx
let sent: Sent[]
beforeEach(async () => {
  world = await createWorld()
  ;({ ctx, sent } = ownerWithJobs(world))
})

interface TaskBody {
  id: string
  status: string
  result: Record<string, unknown> | null
}

/** Runs a task that somebody asks for to its end. */
async function done(json: unknown, { accessToken: as }: Person = world.owner): Promise<string> {
  const { id } = await (await world.call('/api/v1/tasks', { as, json })).json<TaskBody>()
  sent.push({ job: { kind: 'task', organization_id: world.organizationId, task_id: id, step: 0 }, delaySeconds: 0 })
  await runSteps(ctx, sent)
  return id
}

const read = async (id: string, as: string) => (await world.call(`/api/v1/tasks/${id}`, { as })).json<TaskBody>()

describe('the result of what somebody posts', () => {
  it('is for who posted it and who may stop it, in no audit entry, and forgotten after a day', async () => {
    const poster = await world.addMember('member')
    const { accessToken: colleague } = await world.addMember('member')
    const { key } = await world.createKey('admin', ['tasks:read'])
    const id = await done({ kind: 'process', params: { text: 'hush hush' } }, poster)
    const shown = { status: 'SUCCESS', result: { text: { words: 2 } } }
    for (const as of [poster.accessToken, world.owner.accessToken]) expect(await read(id, as)).toMatchObject(shown)
    for (const as of [colleague, key]) expect(await read(id, as)).toMatchObject({ status: 'SUCCESS', result: null })
    const list = await (await world.call('/api/v1/tasks', { as: colleague })).text()
    expect([list.includes(id), list.includes('hush')]).toEqual([true, false])
    const audit = await auditOf(world, 'task.*')
    expect(audit.map(({ action }) => action)).toEqual(['task.process', 'task.succeed'])
    expect(JSON.stringify(audit)).not.toContain('hush')
    const later = { ...ctx, now: () => Date.now() + processInputKeptMs + 1 }
    await forgetOldTasks(later)
    expect(await read(id, poster.accessToken)).toMatchObject({ status: 'SUCCESS', result: null })
  })

  it('of other kinds is for all who see tasks, and stays', async () => {
    const id = await done({ kind: 'add', params: { a: 1, b: 2 } })
    await forgetOldTasks({ ...ctx, now: () => Date.now() + processInputKeptMs + 1 })
    expect(await read(id, (await world.addMember('viewer')).accessToken)).toMatchObject({ result: { sum: 3 } })
  })
})

describe('a link to the export of an account', () => {
  const ask = async (id: string, { accessToken: as }: Person) => {
    const reply = await world.call(`/api/v1/tasks/${id}/download-link`, { as, json: {} })
    return [reply.status, (await reply.json<{ code?: string }>()).code]
  }

  it('asks for what making it asks for, and is given by who made it only', async () => {
    const id = await done({ kind: 'account_export', params: {} })
    const other = await world.addMember('owner')
    const role = { userId: other.userId, accountId: world.accountId, role: 'admin', createdAt: ctx.now() } as const
    expect(await ask(id, other)).toEqual([403, 'forbidden'])
    await ctx.db.insert(accountMemberships).values(role)
    expect(await ask(id, other)).toEqual([403, 'forbidden'])
    expect(await ask(id, world.owner)).toEqual([201, undefined])
    const ofOwner = eq(sessions.userId, world.owner.userId)
    await ctx.db.update(sessions).set({ passwordProvedAt: 1 }).where(ofOwner)
    expect(await ask(id, world.owner)).toEqual([403, 'reauthentication_required'])
    await ctx.db.update(sessions).set({ passwordProvedAt: Date.now() }).where(ofOwner)
    await ctx.db.update(organizations).set({ requireSecondFactor: true }).where(eq(organizations.id, world.organizationId))
    expect((await ask(id, world.owner))[1]).toMatch(/^second_factor/)
  })
})

it('a download is written down, once an hour however often it is fetched', async () => {
  const id = await done({ kind: 'export', params: {} })
  const reply = await world.call(`/api/v1/tasks/${id}/download-link`, { as: world.owner.accessToken, json: { expires_in_seconds: 86_400 } })
  const path = new URL((await reply.json<{ url: string }>()).url).pathname
  expect(await auditOf(world, 'task.download')).toEqual([])
  const fetched = async () => {
    const { status, body } = await callFrom(randomAddress(), path)
    await new Response(body).arrayBuffer()
    return status
  }
  expect(await Promise.all([fetched(), fetched(), fetched()])).toEqual([200, 200, 200])
  const entry = { actor_kind: 'system', target_id: id, details: { kind: 'export', link_of: world.owner.userId } }
  expect(await auditOf(world, 'task.download')).toMatchObject([entry])
  const token = path.slice(path.lastIndexOf('/') + 1)
  const { body } = await openDownload({ ...ctx, now: () => Date.now() + downloadAuditedEveryMs + 1 }, token, undefined)
  await new Response(body).arrayBuffer()
  expect(await auditOf(world, 'task.download')).toHaveLength(2)
  expect((await ctx.db.select().from(tasks).where(eq(tasks.id, id)))[0]?.downloadedAt).toBeGreaterThan(Date.now())
})
