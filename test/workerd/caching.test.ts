import { env } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { createWorld } from '../support/world.ts'

/** Changes D1 behind the back of the Worker, as another isolate would. */
async function set(table: string, changes: string, where: string, ...values: unknown[]): Promise<void> {
  const { meta } = await env.DB.prepare(`update ${table} set ${changes} where ${where}`)
    .bind(...values)
    .run()
  expect(meta.changes).toBeGreaterThan(0)
}

const adminOnly = '/api/v1/audit-log'

describe('what a person may do', () => {
  it.each([
    ['a lower role', 403, 'memberships', "role = 'viewer'", "role = 'admin'", 'user_id'],
    ['a revoked session', 401, 'sessions', 'revoked_at = 1', 'revoked_at = null', 'user_id'],
    ['a session that ran out', 401, 'sessions', 'expires_at = 1', 'expires_at = 9e12', 'user_id'],
    ['a raised token version', 401, 'users', 'token_version = token_version + 1', 'token_version = token_version - 1', 'id'],
    ['a deleted user', 401, 'users', 'deleted_at = 1', 'deleted_at = null', 'id'],
  ])('is asked of D1 with each request: %s counts at once, and no longer than it lasts', async (_, status, table, change, undo, column) => {
    const world = await createWorld()
    const admin = await world.addMember('admin')
    const answer = async () => (await world.call(adminOnly, { as: admin.accessToken })).status
    expect(await answer()).toBe(200)
    await set(table, change, `${column} = ?`, admin.userId)
    expect(await answer()).toBe(status)
    await set(table, undo, `${column} = ?`, admin.userId)
    expect(await answer()).toBe(200)
  })

  it.each([
    ['a deleted organization', 'organizations', 'deleted_at = 1', 'deleted_at = null', 'organizationId', 404],
    ['a deleted account', 'accounts', 'deleted_at = 1', 'deleted_at = null', 'accountId', 404],
    ['a second factor that is required', 'organizations', 'require_second_factor = 1', 'require_second_factor = 0', 'organizationId', 403],
  ] as const)('is asked of D1 with each request: so is %s', async (_, table, change, undo, id, status) => {
    const world = await createWorld()
    const headers = { 'X-Organization-Id': world.organizationId }
    const answer = async () => (await world.call(adminOnly, { as: world.owner.accessToken, headers })).status
    expect(await answer()).toBe(200)
    await set(table, change, 'id = ?', world[id])
    expect(await answer()).toBe(status)
    await set(table, undo, 'id = ?', world[id])
    expect(await answer()).toBe(200)
  })

  it('is asked of D1 with each request: so is a membership that ended', async () => {
    const world = await createWorld()
    const member = await world.addMember('admin')
    const headers = { 'X-Organization-Id': world.organizationId }
    const answer = async () => (await world.call(adminOnly, { as: member.accessToken, headers })).status
    expect(await answer()).toBe(200)
    await env.DB.prepare('delete from memberships where user_id = ?').bind(member.userId).run()
    expect(await answer()).toBe(404)
  })
})

describe('a key that an isolate remembers', () => {
  it('is forgotten where it is changed, rotated or revoked, and where its organization is deleted', async () => {
    const world = await createWorld()
    const as = world.owner.accessToken
    const answer = async (key: string) => (await world.call(adminOnly, { as: key })).status
    const { id, key } = await world.createKey('admin')
    expect(await answer(key)).toBe(200)
    await world.call(`/api/v1/api-keys/${id}`, { method: 'PATCH', as, json: { scopes: ['logs:read'] } })
    expect(await answer(key)).toBe(403)
    await world.call(`/api/v1/api-keys/${id}`, { method: 'PATCH', as, json: { scopes: ['audit:read'] } })
    expect(await answer(key)).toBe(200)
    const rotated = await world.call(`/api/v1/api-keys/${id}/rotate`, { as, json: { grace_seconds: 0 } })
    const { key: next } = await rotated.json<{ key: string }>()
    expect([await answer(key), await answer(next)]).toEqual([401, 200])
    await world.call(`/api/v1/organizations/${world.organizationId}`, { method: 'DELETE', as })
    expect(await answer(next)).toBe(401)
  })
})
