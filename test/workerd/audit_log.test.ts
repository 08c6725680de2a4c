import { env } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { auditWindowRowsMax } from '../../src/core/limits.ts'
import type { AuditEntryJson } from '../../src/features/audit/schema.ts'
import { problemOf } from '../support/app.ts'
import { fillAuditLog } from '../support/audit.ts'
import { makeStaff } from '../support/tenancy.ts'
import { addAccountAdmin } from '../support/users.ts'
import { callFrom, createWorld, randomAddress } from '../support/world.ts'
import type { World } from '../support/world.ts'

const path = '/api/v1/audit-log'

interface Page {
  count: number
  count_is_lower_bound: boolean
  next: string | null
  previous: string | null
  results: AuditEntryJson[]
}

async function read({ call, owner }: Pick<World, 'call' | 'owner'>, query = '', to = path, as = owner.accessToken): Promise<Page> {
  const response = await call(`${to}${query && `?${query}`}`, { as })
  expect(response.status).toBe(200)
  return response.json<Page>()
}

const actions = ({ results }: Page) => results.map(({ action }) => action)

/** What a link of an answer leads to, at the Worker under test. */
function addressOf(link: string): string {
  const { pathname, search } = new URL(link)
  return pathname + search
}

/** A tenant in which three keys were made, one changed and one revoked. */
async function busyWorld() {
  const world = await createWorld()
  const ids = [(await world.createKey('query')).id, (await world.createKey('query')).id, (await world.createKey('ingest')).id]
  const as = world.owner.accessToken
  await world.call(`/api/v1/api-keys/${ids[0]}`, { method: 'PATCH', as, json: { name: 'renamed' } })
  await world.call(`/api/v1/api-keys/${ids[1]}`, { method: 'DELETE', as })
  return { ...world, ids: ids as [string, string, string] }
}

describe('the audit log', () => {
  it('tells the newest first who did what to which thing, from where, in which session', async () => {
    const world = await busyWorld()
    const { results, ...page } = await read(world)
    expect(page).toEqual({ count: 6, count_is_lower_bound: false, next: null, previous: null })
    expect(results.map(({ action }) => action)).toEqual([
      'api_key.revoke',
      'api_key.update',
      'api_key.create',
      'api_key.create',
      'api_key.create',
      'organization.create',
    ])
    const { userId, email, accessToken } = world.owner
    const { sid } = JSON.parse(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString()) as { sid: string }
    expect(results[1]).toEqual({
      id: results[1]?.id,
      created_at: results[1]?.created_at,
      action: 'api_key.update',
      actor: { kind: 'user', id: userId, name: 'Owner', email },
      session_id: sid,
      target: { kind: 'api_key', id: world.ids[0] },
      details: {},
      changes: { name: { before: 'query key', after: 'renamed' } },
      client_address: world.address,
      request_id: results[1]?.request_id,
    })
    expect(Math.abs(Date.parse(results[1]?.created_at ?? '') - Date.now())).toBeLessThan(60_000)
  })

  it('names the key that did it', async () => {
    const world = await createWorld()
    const { id, key } = await world.createKey('admin')
    const { id: logId } = await (await world.call('/api/v1/logs', { as: key, json: { message: 'x' } })).json<{ id: string }>()
    await world.call(`/api/v1/logs/${logId}`, { method: 'DELETE', as: key })
    const { results } = await read(world, 'action=log.delete')
    expect(results).toMatchObject([{ actor: { kind: 'api_key', id, name: 'admin key', email: null }, session_id: null }])
    expect(actions(await read(world, `actor=${id}`))).toEqual(['log.delete'])
  })

  it('is filtered by actor, action, all of a noun, target, kind and time, alone and together', async () => {
    const world = await busyWorld()
    const count = async (query: string) => (await read(world, query)).count
    expect(await count(`actor=${world.owner.userId}`)).toBe(6)
    expect(await count(`actor=${crypto.randomUUID()}`)).toBe(0)
    expect(await count('action=api_key.create')).toBe(3)
    expect(await count('action=api_key.*')).toBe(5)
    expect(await count('action=api.*')).toBe(0)
    expect(await count('target_kind=organization')).toBe(1)
    expect(await count(`target=${world.ids[0]}`)).toBe(2)
    expect(await count(`target=${world.ids[0]}&action=api_key.create&target_kind=api_key&actor=${world.owner.userId}`)).toBe(1)
    const { results } = await read(world)
    const [last, first] = [results[0]?.created_at ?? '', results.at(-1)?.created_at ?? '']
    const behind = new Date(Date.parse(last) + 1).toISOString()
    expect(await count(`from=${first}&to=${behind}`)).toBe(6)
    expect(await count(`to=${first}`)).toBe(0)
    expect(await count(`from=${behind}`)).toBe(0)
    expect(await count(`from=${encodeURIComponent(first.replace('Z', '+00:00'))}`)).toBe(6)
  })

  it('is paged, and every entry is on one page', async () => {
    const world = await busyWorld()
    const seen: string[] = []
    let next: string | null = `${path}?page_size=4&action=api_key.*`
    while (next !== null) {
      const page: Page = await read(world, '', addressOf(new URL(next, 'http://x').href))
      expect(page.count).toBe(5)
      seen.push(...page.results.map(({ id }) => id))
      next = page.next
    }
    expect(seen).toEqual((await read(world, 'action=api_key.*')).results.map(({ id }) => id))
  })

  it('looks at a window of entries, says so, and goes on behind it', async () => {
    const world = await createWorld()
    const rest = 25
    const start = Date.now() - 10 * 60_000
    await fillAuditLog(world.organizationId, auditWindowRowsMax + rest, start)
    // The world's own entry is the newest of the window.
    const first = await read(world, 'action=tick.tenth&page_size=500')
    expect(first).toMatchObject({ count_is_lower_bound: true, previous: null })
    expect(first.count).toBe(auditWindowRowsMax / 10)
    let page = first
    const ids = page.results.map(({ id }) => id)
    while (page.next !== null) {
      page = await read(world, '', addressOf(page.next))
      ids.push(...page.results.map(({ id }) => id))
    }
    expect(page).toMatchObject({ count_is_lower_bound: false })
    expect(ids).toHaveLength(Math.ceil((auditWindowRowsMax + rest) / 10))
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids).toEqual(ids.toSorted().toReversed())
    // Times bound what is looked at.
    const to = new Date(start + 100).toISOString()
    expect(await read(world, `action=tick.tenth&to=${to}`)).toMatchObject({ count: 10, count_is_lower_bound: false, next: null })
  })

  it('shows an organization its own entries only, to managers and admin keys', async () => {
    const [mine, other] = [await busyWorld(), await busyWorld()]
    const own = await read(mine)
    expect(JSON.stringify(own)).not.toContain(other.owner.userId)
    const header = { 'X-Organization-Id': other.organizationId }
    expect((await mine.call(path, { as: mine.owner.accessToken, headers: header })).status).toBe(404)
    const { key } = await mine.createKey('admin')
    expect((await read(mine, 'action=organization.create', path, key)).count).toBe(1)
    const { key: queryKey } = await mine.createKey('query')
    for (const as of [queryKey, (await mine.addMember('viewer')).accessToken, (await mine.addMember('member')).accessToken])
      expect((await mine.call(path, { as })).status).toBe(403)
    expect((await read(mine, '', path, (await mine.addMember('admin')).accessToken)).count).toBeGreaterThan(0)
  })

  it.each([
    'actor=me',
    'action=create',
    'action=*',
    'action=api_key.%25',
    'action=a.b.c',
    'target_kind=A',
    'target=',
    'from=yesterday',
    'to=2026-01-01',
    'cursor=x',
    'page=0',
    'ordering=id',
  ])('refuses ?%s', async (query) => {
    const { call, owner } = await createWorld()
    expect(await problemOf(await call(`${path}?${query}`, { as: owner.accessToken }))).toMatchObject({
      status: 400,
      code: 'validation_failed',
    })
  })

  it('is append-only: the database refuses to change an entry', async () => {
    const { organizationId, accountId } = await busyWorld()
    for (const [table, owner, id] of [
      ['audit_log', 'organization_id', organizationId],
      ['account_audit_log', 'account_id', accountId],
    ] as const) {
      const rows = () => env.DB.prepare(`select * from ${table} where ${owner} = ?`).bind(id).all()
      const before = (await rows()).results
      expect(before.length).toBeGreaterThan(0)
      const change = env.DB.prepare(`update ${table} set actor_id = null where ${owner} = ?`).bind(id).run()
      await expect(change).rejects.toThrow('append-only')
      expect((await rows()).results).toEqual(before)
    }
  })
})

describe('the audit log of an account', () => {
  it('tells its owner what happened to its users', async () => {
    const world = await createWorld()
    const member = await world.addMember('member')
    const page = await read(world, 'action=auth.login', `/api/v1/accounts/${world.accountId}/audit-log`)
    expect(page.results.map(({ target }) => target)).toEqual([
      { kind: 'user', id: member.userId },
      { kind: 'user', id: world.owner.userId },
    ])
    expect(page.results[0]?.actor).toEqual({ kind: 'user', id: member.userId, name: 'member', email: member.email })
  })

  it('is nobody else’s', async () => {
    const [mine, other] = [await createWorld(), await createWorld()]
    const member = await mine.addMember('admin')
    expect((await mine.call(`/api/v1/accounts/${mine.accountId}/audit-log`, { as: member.accessToken })).status).toBe(403)
    expect((await mine.call(`/api/v1/accounts/${other.accountId}/audit-log`, { as: mine.owner.accessToken })).status).toBe(404)
    const { key } = await mine.createKey('admin')
    expect((await mine.call(`/api/v1/accounts/${mine.accountId}/audit-log`, { as: key })).status).toBe(403)
  })
})

describe('the security log of a person', () => {
  it('tells the person, and nobody else, of logins that worked and failed', async () => {
    const world = await createWorld()
    const member = await world.addMember('viewer')
    await world.call('/api/v1/auth/login', { json: { email: member.email, password: 'not the password' } })
    const page = await read(world, '', '/api/v1/auth/security-log', member.accessToken)
    expect(actions(page)).toContain('auth.login_failed')
    expect(actions(page)).toContain('auth.login')
    expect(page.results.every(({ target }) => target.id === member.userId)).toBe(true)
    expect(actions(await read(world, 'action=auth.login', '/api/v1/auth/security-log', member.accessToken))).toEqual(['auth.login'])
    // A session that is ended, and a refresh token that somebody else holds too.
    const login = await world.call('/api/v1/auth/login', { json: { email: member.email, password: member.password } })
    const { refresh_token: stolen, access_token: other } = await login.json<{ refresh_token: string; access_token: string }>()
    const rotate = (token: string) => world.call('/api/v1/auth/refresh', { json: { refresh_token: token } })
    const { refresh_token: next } = await (await rotate(stolen)).json<{ refresh_token: string }>()
    await rotate(next)
    expect((await rotate(stolen)).status).toBe(401)
    expect((await world.call('/api/v1/auth/me', { as: other })).status).toBe(401)
    expect(actions(await read(world, 'action=session.*', '/api/v1/auth/security-log', member.accessToken))).toEqual([
      'session.token_reused',
    ])
    expect(JSON.stringify(await read(world, '', '/api/v1/auth/security-log'))).not.toContain(member.userId)
  })

  it('does not tell where others were who changed something about the person', async () => {
    const world = await createWorld()
    const admin = await addAccountAdmin(world)
    const member = await world.addMember('viewer')
    const to = `/api/v1/users/${member.userId}`
    expect((await callFrom(randomAddress(), to, { method: 'PATCH', as: admin.accessToken, json: { name: 'Ann' } })).status).toBe(200)
    const ofOthers = await read(world, 'action=user.*', '/api/v1/auth/security-log', member.accessToken)
    expect(ofOthers.results).toMatchObject([{ actor: { id: admin.userId }, client_address: null, session_id: null }])
    const own = await read(world, 'action=auth.login', '/api/v1/auth/security-log', member.accessToken)
    expect(own.results).toMatchObject([{ client_address: world.address, session_id: expect.any(String) as string }])
    const told = await read(world, 'action=user.update', `/api/v1/accounts/${world.accountId}/audit-log`)
    expect(told.results).toMatchObject([{ client_address: expect.any(String) as string, session_id: expect.any(String) as string }])
  })
})

it('nobody but their own account is told where the deployment’s staff were', async () => {
  const [world, staff] = [await createWorld(), await createWorld()]
  await makeStaff(staff.owner)
  const as = staff.owner.accessToken
  const named = { 'X-Organization-Id': world.organizationId }
  await callFrom(randomAddress(), path, { as, headers: named })
  await callFrom(randomAddress(), `/api/v1/accounts/${world.accountId}/audit-log`, { as })
  for (const log of [path, `/api/v1/accounts/${world.accountId}/audit-log`]) {
    const { results } = await read(world, 'action=staff.act', log)
    expect(results).toMatchObject([{ actor: { id: staff.owner.userId }, client_address: null, session_id: null }])
  }
  const exported = await (await world.call(`${path}/export?action=staff.act`, { as: world.owner.accessToken })).json()
  expect(exported).toMatchObject({ client_address: null, session_id: null })
  const { results } = await read(staff, 'action=auth.login', `/api/v1/accounts/${staff.accountId}/audit-log`)
  expect(results).toMatchObject([{ client_address: staff.address }])
})
