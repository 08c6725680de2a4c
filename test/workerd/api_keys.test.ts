import { env } from 'cloudflare:test'
import { eq } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { apiKeysPerOrganizationMax, stepUpMs } from '../../src/core/limits.ts'
import { keyKinds, kindScopes } from '../../src/core/permissions.ts'
import { apiKeys, memberships, sessions } from '../../src/db/schema.ts'
import { auditLog } from '../../src/db/schema_audit.ts'
import { createApiKey } from '../../src/features/api-keys/create.ts'
import { rotateApiKey } from '../../src/features/api-keys/rotate.ts'
import { problemOf } from '../support/app.ts'
import { createWorld, testCtx } from '../support/world.ts'
import type { World } from '../support/world.ts'
import { letIn } from './members_world.ts'

const path = '/api/v1/api-keys'

async function auditOf({ organizationId }: World) {
  const rows = await testCtx().db.select().from(auditLog).where(eq(auditLog.organizationId, organizationId)).orderBy(auditLog.id)
  return rows.map(({ action, actorId, targetId }) => ({ action, actorId, targetId }))
}

describe('creating an API key', () => {
  it.each(keyKinds.map((kind) => [kind]))('of kind %s gives all its scopes, shows the key once and stores its hash', async (kind) => {
    const { call, owner } = await createWorld()
    const response = await call(path, { as: owner.accessToken, json: { name: ' Shipper ', kind } })
    expect(response.status).toBe(201)
    const { key, ...shown } = await response.json<{ id: string; key: string; created_at: string }>()
    expect(response.headers.get('Location')).toBe(`${path}/${shown.id}`)
    expect(key).toMatch(new RegExp(`^elk_${kind}_[0-9A-Za-z]{49}$`))
    expect(shown).toEqual({
      id: shown.id,
      name: 'Shipper',
      kind,
      scopes: [...kindScopes[kind]],
      hint: key.slice(-4),
      created_by: owner.userId,
      created_at: shown.created_at,
      updated_at: shown.created_at,
      expires_at: null,
      last_used_at: null,
      rate_limit_per_minute: null,
      previous_ends_at: null,
    })
    expect(await (await call(`${path}/${shown.id}`, { as: owner.accessToken })).json()).toEqual(shown)
    const stored = JSON.stringify(await testCtx().db.select().from(apiKeys).where(eq(apiKeys.id, shown.id)))
    expect(stored).not.toContain(key.slice(11, 40))
  })

  it('takes a part of the kind’s scopes, and an end', async () => {
    const { call, owner } = await createWorld()
    const json = { name: 'x', kind: 'admin', scopes: ['logs:read', 'logs:delete', 'logs:read'], expires_at: '2270-01-01T01:00:00+01:00' }
    const body = await (await call(path, { as: owner.accessToken, json })).json()
    expect(body).toMatchObject({ scopes: ['logs:read', 'logs:delete'], expires_at: '2270-01-01T00:00:00.000Z' })
  })

  it.each([
    [{ kind: 'ingest' }, 'name'],
    [{ name: '  ', kind: 'ingest' }, 'name'],
    [{ name: 'a\r\nb', kind: 'ingest' }, 'name'],
    [{ name: 'x'.repeat(101), kind: 'ingest' }, 'name'],
    [{ name: 'x', kind: 'root' }, 'kind'],
    [{ name: 'x', kind: 'ingest', scopes: [] }, 'scopes'],
    [{ name: 'x', kind: 'ingest', scopes: ['logs:read'] }, 'scopes'],
    [{ name: 'x', kind: 'query', scopes: ['logs:read', 'logs:write'] }, 'scopes'],
    [{ name: 'x', kind: 'admin', scopes: ['api_keys:write'] }, 'scopes.0'],
    [{ name: 'x', kind: 'ingest', expires_at: '2020-01-01T00:00:00Z' }, 'expires_at'],
    [{ name: 'x', kind: 'ingest', expires_at: 'tomorrow' }, 'expires_at'],
    [{ name: 'x', kind: 'ingest', expires_at: 1e15 }, 'expires_at'],
    [{ name: 'x', kind: 'ingest', organization_id: crypto.randomUUID() }, 'organization_id'],
    [{ name: 'x', kind: 'ingest', key: 'elk_ingest_mine' }, 'key'],
    [{ name: 'x', kind: 'ingest', rate_limit_per_minute: 0 }, 'rate_limit_per_minute'],
    [{ name: 'x', kind: 'ingest', rate_limit_per_minute: 1_000_001 }, 'rate_limit_per_minute'],
  ])('refuses %j and names the field %s', async (json, field) => {
    const { call, owner } = await createWorld()
    const problem = await problemOf(await call(path, { as: owner.accessToken, json }))
    expect(problem).toMatchObject({ status: 400, code: 'validation_failed' })
    expect(Object.keys(problem.details ?? {})).toEqual([field])
  })

  it.each(keyKinds.map((kind) => [kind]))('is not possible with a key of kind %s', async (kind) => {
    const { call, createKey } = await createWorld()
    const { id, key } = await createKey(kind)
    for (const [method, to, json] of [
      ['POST', path, { name: 'x', kind: 'ingest' }],
      ['PATCH', `${path}/${id}`, { name: 'x' }],
      ['DELETE', `${path}/${id}`, undefined],
    ] as const) {
      expect(await problemOf(await call(to, { method, as: key, json }))).toMatchObject({ status: 403, code: 'forbidden' })
    }
  })

  it('or rotating one comes to nothing when the right to it is taken away while the request is under way', async () => {
    const world = await createWorld()
    const admin = await world.addMember('admin')
    const { id } = await world.createKey('admin')
    const late = await letIn(world, admin, 'admin')
    const before = await testCtx().db.select().from(apiKeys).where(eq(apiKeys.id, id))
    await testCtx().db.delete(memberships).where(eq(memberships.userId, admin.userId))
    const lost = { code: 'forbidden' }
    const input = { name: 'mine', kind: 'admin', expires_at: null, rate_limit_per_minute: null } as const
    await expect(createApiKey(late, { ...input, scopes: undefined })).rejects.toMatchObject(lost)
    await expect(rotateApiKey(late, id, { grace_seconds: 0 })).rejects.toMatchObject(lost)
    expect(await testCtx().db.select().from(apiKeys).where(eq(apiKeys.organizationId, world.organizationId))).toEqual(before)
    expect((await auditOf(world)).map(({ action }) => action)).toEqual(['organization.create', 'membership.create', 'api_key.create'])
  })

  it('stops at the limit of an organization, also when requests race', async () => {
    const world = await createWorld()
    // One row less than the limit, by recursion in SQLite.
    await env.DB.prepare(
      `insert into api_keys (organization_id, id, name, kind, scopes, key_hash, hint, created_by, created_at, updated_at)
       with recursive n(i) as (select 1 union all select i + 1 from n where i < ?1 - 1)
       select ?2, 'fill ' || i, 'fill', 'ingest', '[]', ?2 || i, 'fill', ?3, 0, 0 from n`,
    )
      .bind(apiKeysPerOrganizationMax, world.organizationId, world.owner.userId)
      .run()
    const make = () => world.call(path, { as: world.owner.accessToken, json: { name: 'x', kind: 'ingest' } })
    const statuses = (await Promise.all([make(), make(), make()])).map((answer) => answer.status)
    expect(statuses.toSorted((a, b) => a - b)).toEqual([201, 409, 409])
    expect((await auditOf(world)).filter(({ action }) => action === 'api_key.create')).toHaveLength(1)
  })
})

describe('the list of API keys', () => {
  it('is paged, counted and linked', async () => {
    const { call, owner, createKey } = await createWorld()
    const ids = []
    for (let i = 0; i < 5; i += 1) ids.unshift((await createKey('ingest')).id)
    const seen: string[] = []
    let next: string | null = `${path}?page_size=2`
    let pages = 0
    while (next !== null) {
      const answer: { count: number; next: string | null; previous: string | null; results: { id: string }[] } = await (
        await call(next, { as: owner.accessToken })
      ).json()
      pages += 1
      expect(answer.count).toBe(5)
      expect(answer.previous === null).toBe(pages === 1)
      seen.push(...answer.results.map(({ id }) => id))
      next = answer.next && new URL(answer.next).pathname + new URL(answer.next).search
    }
    expect(pages).toBe(3)
    expect(seen).toEqual(ids)
  })

  it('is ordered and searched', async () => {
    const { call, owner } = await createWorld()
    for (const name of ['Web 100%', 'api_one', 'API two', 'Ünder'])
      await call(path, { as: owner.accessToken, json: { name, kind: 'ingest' } })
    const names = async (query: string) =>
      (await (await call(`${path}?${query}`, { as: owner.accessToken })).json<{ results: { name: string }[] }>()).results.map(
        ({ name }) => name,
      )
    expect(await names('ordering=name')).toEqual(['API two', 'Web 100%', 'api_one', 'Ünder'])
    expect(await names('ordering=-name')).toEqual(['Ünder', 'api_one', 'Web 100%', 'API two'])
    expect(await names('ordering=created_at')).toEqual(['Web 100%', 'api_one', 'API two', 'Ünder'])
    expect(await names('search=api&ordering=name')).toEqual(['API two', 'api_one'])
    expect(await names(`search=${encodeURIComponent('0%')}`)).toEqual(['Web 100%'])
    expect(await names('search=_')).toEqual(['api_one'])
    expect(await names(`search=${encodeURIComponent('Ünd')}`)).toEqual(['Ünder'])
    expect(await names(`search=${encodeURIComponent("' or 1=1 --")}`)).toEqual([])
  })

  it('is empty beyond its last page', async () => {
    const { call, owner, createKey } = await createWorld()
    await createKey('ingest')
    const body = await (await call(`${path}?page=9`, { as: owner.accessToken })).json()
    expect(body).toMatchObject({ count: 1, next: null, previous: expect.stringContaining('page=1') as string, results: [] })
  })

  it.each([
    'page=0',
    'page=-1',
    'page=x',
    'page=1e3',
    'page_size=0',
    'page_size=501',
    'ordering=key_hash',
    'search=',
    'sort=name',
    'page=1&page=2',
  ])('refuses ?%s', async (query) => {
    const { call, owner } = await createWorld()
    expect(await problemOf(await call(`${path}?${query}`, { as: owner.accessToken }))).toMatchObject({
      status: 400,
      code: 'validation_failed',
    })
  })
})

describe('one API key', () => {
  it('can be changed, and the audit log has what each field was and is', async () => {
    const world = await createWorld()
    const { id } = await world.createKey('admin')
    const patch = (json: object) => world.call(`${path}/${id}`, { method: 'PATCH', as: world.owner.accessToken, json })
    expect(await (await patch({ name: 'New' })).json()).toMatchObject({ id, name: 'New', kind: 'admin', scopes: [...kindScopes.admin] })
    const change = { scopes: ['logs:read'], expires_at: '2270-01-01T01:00:00+01:00', rate_limit_per_minute: 10 }
    const changed = { ...change, expires_at: '2270-01-01T00:00:00.000Z' }
    expect(await (await patch(change)).json()).toMatchObject({ name: 'New', ...changed })
    expect(await (await patch({ ...changed, name: 'New' })).json()).toMatchObject(changed)
    expect(await (await patch({ expires_at: null, rate_limit_per_minute: null })).json()).toMatchObject({ expires_at: null })
    const entries = await testCtx().db.select().from(auditLog).where(eq(auditLog.targetId, id)).orderBy(auditLog.id)
    expect(entries.map(({ action, changes }) => [action, changes])).toEqual([
      ['api_key.create', null],
      ['api_key.update', { name: { before: 'admin key', after: 'New' } }],
      [
        'api_key.update',
        {
          scopes: { before: [...kindScopes.admin], after: ['logs:read'] },
          expires_at: { before: null, after: changed.expires_at },
          rate_limit_per_minute: { before: null, after: 10 },
        },
      ],
      ['api_key.update', { expires_at: { before: changed.expires_at, after: null }, rate_limit_per_minute: { before: 10, after: null } }],
    ])
  })

  it.each([
    [{}],
    [{ kind: 'ingest' }],
    [{ name: null }],
    [{ key: 'elk_query_mine' }],
    [{ created_by: crypto.randomUUID() }],
    [{ scopes: [] }],
    [{ scopes: ['logs:edit'] }],
    [{ expires_at: '2020-01-01T00:00:00Z' }],
    [{ rate_limit_per_minute: 1e7 }],
    [{ name: 'x', rate_limit_per_minute: 1_000_001 }],
  ])('refuses the change %j and stays as it is', async (json) => {
    const { call, owner, createKey } = await createWorld()
    const { id } = await createKey('query')
    const before = await (await call(`${path}/${id}`, { as: owner.accessToken })).json()
    expect((await call(`${path}/${id}`, { method: 'PATCH', as: owner.accessToken, json })).status).toBe(400)
    expect(await (await call(`${path}/${id}`, { as: owner.accessToken })).json()).toEqual(before)
  })

  it('wants the password again when it was proved long ago', async () => {
    const { call, owner, createKey } = await createWorld()
    const { id } = await createKey('query')
    const db = testCtx().db
    await db
      .update(sessions)
      .set({ passwordProvedAt: Date.now() - stepUpMs - 1000 })
      .where(eq(sessions.userId, owner.userId))
    for (const [method, to, json] of [
      ['POST', path, { name: 'x', kind: 'ingest' }],
      ['PATCH', `${path}/${id}`, { name: 'x' }],
      ['POST', `${path}/${id}/rotate`, { grace_seconds: 0 }],
      ['DELETE', `${path}/${id}`, undefined],
    ] as const) {
      const problem = await problemOf(await call(to, { method, as: owner.accessToken, json }))
      expect(problem).toMatchObject({ status: 403, code: 'reauthentication_required' })
    }
    expect((await call(`${path}/${id}`, { as: owner.accessToken })).status).toBe(200)
  })

  it('is gone when revoked, and revoked once', async () => {
    const world = await createWorld()
    const { id } = await world.createKey('ingest')
    const revoke = () => world.call(`${path}/${id}`, { method: 'DELETE', as: world.owner.accessToken })
    const statuses = (await Promise.all([revoke(), revoke(), revoke()])).map((answer) => answer.status)
    expect(statuses.toSorted((a, b) => a - b)).toEqual([204, 404, 404])
    expect((await world.call(`${path}/${id}`, { as: world.owner.accessToken })).status).toBe(404)
    expect((await world.call(`${path}/${id}`, { method: 'PATCH', as: world.owner.accessToken, json: { name: 'x' } })).status).toBe(404)
    expect(await (await world.call(path, { as: world.owner.accessToken })).json()).toMatchObject({ count: 0 })
    expect((await auditOf(world)).filter(({ action }) => action === 'api_key.revoke')).toHaveLength(1)
  })

  it('does not exist for another organization', async () => {
    const [mine, other] = [await createWorld(), await createWorld()]
    const { id } = await other.createKey('ingest')
    const before = await testCtx().db.select().from(apiKeys).where(eq(apiKeys.id, id))
    for (const [method, json] of [
      ['GET', undefined],
      ['PATCH', { name: 'mine' }],
      ['DELETE', undefined],
    ] as const) {
      const problem = await problemOf(await mine.call(`${path}/${id}`, { method, as: mine.owner.accessToken, json }))
      expect(problem).toMatchObject({ status: 404, code: 'not_found' })
    }
    expect(await testCtx().db.select().from(apiKeys).where(eq(apiKeys.id, id))).toEqual(before)
    expect(await auditOf(mine)).toHaveLength(1)
  })

  it.each(['x', '%00', "1' or '1'='1", '..%2f..'])('is not looked for under the id %s', async (id) => {
    const { call, owner } = await createWorld()
    expect([400, 404]).toContain((await call(`${path}/${id}`, { as: owner.accessToken })).status)
  })
})
