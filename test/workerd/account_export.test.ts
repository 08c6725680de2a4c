import { env } from 'cloudflare:test'
import { and, eq, getTableName } from 'drizzle-orm'
import { beforeEach, describe, expect, it } from 'vitest'
import type { TenantCtx } from '../../src/db/context.ts'
import { accountMemberships, organizations, sessions, tasks, users } from '../../src/db/schema.ts'
import { notificationChannels } from '../../src/db/schema_alerts.ts'
import { seal } from '../../src/db/sealed.ts'
import { accountLeftOut } from '../../src/features/tasks/account_left_out.ts'
import { accountSections, organizationSections } from '../../src/features/tasks/account_sections.ts'
import { createAccountExportStep } from '../../src/jobs/account_export.ts'
import { runTask } from '../../src/jobs/run_task.ts'
import { taskSteps } from '../../src/jobs/task_steps.ts'
import { callFrom, createWorld, randomAddress } from '../support/world.ts'
import type { World } from '../support/world.ts'
import { ownerWithJobs } from './control_world.ts'

let world: World
let ctx: TenantCtx
beforeEach(async () => {
  world = await createWorld()
  ;({ ctx } = ownerWithJobs(world))
})

const call = (path: string, json?: unknown, as = world.owner.accessToken) => world.call(`/api/v1${path}`, { as, json })
const asked = { kind: 'account_export', params: {} }

type Line = Record<string, unknown> & { section: string }

/** Asks for the export and runs its steps, `times` of each at once. */
async function exported(limits = { pageRows: 2, partBytes: 400 }, times = 1): Promise<{ id: string; text: string; lines: Line[] }> {
  const response = await call('/tasks', asked)
  if (response.status !== 202) throw new Error(`not begun: ${response.status} ${await response.text()}`)
  const { id } = await response.json<{ id: string }>()
  const steps = { ...taskSteps, account_export: createAccountExportStep(limits) }
  for (let step = 0; (await rowOf(id))?.status !== 'SUCCESS'; step++) {
    if (step > 200) throw new Error('the export does not end')
    const job = { kind: 'task', organization_id: world.organizationId, task_id: id, step } as const
    const all = await Promise.allSettled(Array.from({ length: times }, () => runTask(ctx, job, steps, false)))
    const failed = all.find(({ status }) => status === 'rejected')
    if (failed !== undefined && times === 1) throw (failed as PromiseRejectedResult).reason
  }
  const { url } = await (await call(`/tasks/${id}/download-link`, {})).json<{ url: string }>()
  const text = await (await callFrom(randomAddress(), new URL(url).pathname)).text()
  return {
    id,
    text,
    lines: text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Line),
  }
}

const rowOf = async (id: string) => (await ctx.db.select().from(tasks).where(eq(tasks.id, id)))[0]

/** Something of each kind that people make. */
async function fill(): Promise<{ key: string }> {
  const member = await world.addMember('member')
  const { key } = await world.createKey('admin')
  for (const [path, json, as] of [
    ['/teams', { name: 'Team' }],
    ['/saved-filters', { name: 'shared one', definition: { q: 'x' }, shared: true }, member.accessToken],
    ['/saved-filters', { name: 'a private one', definition: { q: 'y' } }, member.accessToken],
    ['/organizations', { name: 'Second' }],
    [`/organizations/${world.organizationId}/invitations`, { email: 'guest@example.com', role: 'viewer' }],
  ] as [string, unknown, string?][]) {
    const response = await call(path, json, as ?? world.owner.accessToken)
    if (response.status !== 201) throw new Error(`${path}: ${response.status} ${await response.text()}`)
  }
  const sealedSecret = seal(ctx.config.sealingKeys, 'a place', 'https://hooks.example.com/very-secret')
  const times = { createdAt: ctx.now(), updatedAt: ctx.now() }
  const channel = {
    organizationId: world.organizationId,
    id: ctx.newId(),
    name: 'Hook',
    kind: 'webhook' as const,
    createdBy: world.owner.userId,
  }
  await ctx.db.insert(notificationChannels).values({ ...channel, ...times, config: { host: 'hooks.example.com' }, sealedSecret })
  return { key }
}

describe('the export of an account', () => {
  it('has each row of the account once, over many parts and organizations, and tells what it leaves out', async () => {
    await fill()
    const { id, lines } = await exported()
    const [head, ...rows] = lines
    expect(head).toMatchObject({ format: 'edgelog-account', account_id: world.accountId, not_included: accountLeftOut })
    const task = await rowOf(id)
    expect([Number(task?.state['files']) > 5, task?.result?.['rows']]).toEqual([true, rows.length])
    expect(new Set(rows.map((line) => JSON.stringify(line))).size).toBe(rows.length)
    const of = (section: string) => rows.filter((line) => line.section === section)
    expect(of('organizations').map(({ name }) => name)).toEqual(['Test', 'Second'])
    expect(of('users')).toHaveLength(await ctx.db.$count(users, eq(users.accountId, world.accountId)))
    expect(of('memberships').map(({ role }) => role)).toEqual(expect.arrayContaining(['owner', 'member']))
    expect(of('saved_filters').map(({ name }) => name)).toEqual(['shared one'])
    expect(of('notification_channels')).toMatchObject([{ name: 'Hook', config: { host: 'hooks.example.com' } }])
    for (const section of ['account', 'account_memberships', 'teams', 'api_keys', 'invitations', 'audit_log', 'account_audit_log'])
      expect([section, of(section).length > 0]).toEqual([section, true])
    expect(of('api_keys')[0]?.['created_at']).toMatch(/^\d{4}-\d\d-\d\dT/)
  })

  it('is the same whatever its parts are, and though each step runs twice at once', async () => {
    await fill()
    const once = await exported({ pageRows: 500, partBytes: 1e6 })
    const twice = await exported({ pageRows: 3, partBytes: 1 }, 2)
    // What exporting itself writes down, and the time, differ.
    const stable = ({ lines }: typeof once) => lines.slice(1).filter(({ section }) => !['tasks', 'audit_log'].includes(section))
    expect(stable(twice)).toEqual(stable(once))
    expect(new Set(twice.lines.map((line) => JSON.stringify(line))).size).toBe(twice.lines.length)
  })

  it('holds nothing of another account, and no secret: no hash, no token, nothing sealed', async () => {
    const other = await createWorld()
    const { key } = await fill()
    const { text } = await exported({ pageRows: 500, partBytes: 1e6 })
    const foreign = [other.organizationId, other.accountId, other.owner.email, other.owner.userId]
    const secrets = [key, 'very-secret', ...(await secretsOf(world.organizationId))]
    // Compared as lists: the difference of a long text takes minutes to show.
    expect([...foreign, ...secrets].filter((each) => text.includes(each))).toEqual([])
    // Its first line names the columns that are left out.
    const rows = text.slice(text.indexOf('\n'))
    expect(rows.match(/\$scrypt.{20}|"[0-9a-f]{64}"|"\w*_hash"|"sealed_\w+"/g)).toBeNull()
  })

  it('stands on a role in the account, until its end', async () => {
    const outsider = await world.addMember('owner')
    expect((await call('/tasks', asked, outsider.accessToken)).status).toBe(403)
    await ctx.db
      .insert(accountMemberships)
      .values({ userId: outsider.userId, accountId: world.accountId, role: 'admin', createdAt: ctx.now() })
    const { id } = await (await call('/tasks', asked, outsider.accessToken)).json<{ id: string }>()
    const job = { kind: 'task', organization_id: world.organizationId, task_id: id } as const
    const steps = { ...taskSteps, account_export: createAccountExportStep({ pageRows: 1, partBytes: 1 }) }
    await runTask(ctx, { ...job, step: 0 }, steps, false)
    await ctx.db
      .delete(accountMemberships)
      .where(and(eq(accountMemberships.userId, outsider.userId), eq(accountMemberships.accountId, world.accountId)))
    await runTask(ctx, { ...job, step: 1 }, steps, false)
    expect(await rowOf(id)).toMatchObject({ status: 'FAILURE', error: expect.stringContaining('no role') as string })
  })

  it('is given by a link only as long as who made it has that role', async () => {
    const { id } = await exported({ pageRows: 500, partBytes: 1e6 })
    const { url } = await (await call(`/tasks/${id}/download-link`, {})).json<{ url: string }>()
    const member = await world.addMember('admin')
    expect((await call(`/tasks/${id}/download-link`, {}, member.accessToken)).status).toBe(403)
    const { key } = await world.createKey('admin')
    expect((await call(`/tasks/${id}/download-link`, {}, key)).status).toBe(403)
    const status = async () => (await callFrom(randomAddress(), new URL(url).pathname)).status
    expect(await status()).toBe(200)
    await ctx.db.delete(accountMemberships).where(eq(accountMemberships.accountId, world.accountId))
    expect(await status()).toBe(404)
  })

  it('wants a second factor where an organization of the account does', async () => {
    const second = await (await call('/organizations', { name: 'Strict' })).json<{ id: string }>()
    await ctx.db.update(organizations).set({ requireSecondFactor: true }).where(eq(organizations.id, second.id))
    const refused = await call('/tasks', asked)
    expect([refused.status, (await refused.json<{ code: string }>()).code]).toEqual([403, 'second_factor_required'])
    await ctx.db.update(sessions).set({ secondFactorAt: ctx.now() }).where(eq(sessions.userId, world.owner.userId))
    expect((await call('/tasks', asked)).status).toBe(202)
  })
})

describe('what the export of an account covers', () => {
  const sections = [...accountSections, ...organizationSections]

  it('is every table of tenants and people, or it says why not', async () => {
    const { results } = await env.DB.prepare(
      `SELECT m.name, group_concat(p.name) AS columns FROM sqlite_schema m, pragma_table_info(m.name) p
       WHERE m.type = 'table' AND m.name NOT GLOB '_*' AND m.name NOT GLOB 'sqlite_*' AND m.name NOT GLOB 'd1_*' GROUP BY m.name`,
    ).all<{ name: string; columns: string }>()
    const ofTenants = results.filter(
      ({ name, columns }) =>
        ['users', 'accounts', 'organizations', 'mails'].includes(name) || /\b(organization|account|user)_id\b/.test(columns),
    )
    expect(ofTenants.length).toBeGreaterThan(20)
    const covered = new Set(sections.map(({ table }) => getTableName(table)))
    const missing = ofTenants.filter(({ name }) => !covered.has(name) && accountLeftOut[name] === undefined).map(({ name }) => name)
    expect(missing).toEqual([])
  })

  it('is no column that is named like a secret', () => {
    const leaving = sections.flatMap(({ name, columns }) => columns.map((column) => `${name}.${column}`))
    expect(leaving.filter((column) => /hash|secret|sealed|token|salt|password/i.test(column))).toEqual([])
  })
})

/** Whatever the database keeps of the organization, its people and their sessions under a name like a secret's. */
async function secretsOf(organizationId: string): Promise<string[]> {
  const member = '(SELECT user_id FROM memberships WHERE organization_id = ?1)'
  const found = await env.DB.batch<{ s: string }>(
    [
      'key_hash AS s FROM api_keys WHERE organization_id = ?1',
      'token_hash AS s FROM invitations WHERE organization_id = ?1',
      'sealed_secret AS s FROM notification_channels WHERE organization_id = ?1',
      `password_hash AS s FROM users WHERE id IN ${member}`,
      `token_hash AS s FROM sessions WHERE user_id IN ${member}`,
      `family_hash AS s FROM sessions WHERE user_id IN ${member}`,
    ].map((query) => env.DB.prepare(`SELECT ${query}`).bind(organizationId)),
  )
  // Each of them has something.
  expect(found.map(({ results }) => results.length > 0)).toEqual(found.map(() => true))
  return found.flatMap(({ results }) => results.map(({ s }) => s))
}
