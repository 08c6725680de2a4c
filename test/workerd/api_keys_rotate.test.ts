import { eq } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { apiKeyCacheMs, apiKeyGraceSecondsMax } from '../../src/core/limits.ts'
import { apiKeys } from '../../src/db/schema.ts'
import { auditLog } from '../../src/db/schema_audit.ts'
import { verifyApiKey } from '../../src/features/api-keys/verify.ts'
import { problemOf } from '../support/app.ts'
import { createWorld, testCtx } from '../support/world.ts'
import type { World } from '../support/world.ts'

const path = '/api/v1/api-keys'

interface Rotated {
  id: string
  key: string
  hint: string
  previous_ends_at: string | null
}

async function rotate({ call, owner }: World, id: string, graceSeconds: number): Promise<Rotated> {
  const response = await call(`${path}/${id}/rotate`, { as: owner.accessToken, json: { grace_seconds: graceSeconds } })
  expect(response.status).toBe(200)
  return response.json<Rotated>()
}

async function worksAt(key: string, ms: number): Promise<boolean> {
  const ctx = { ...testCtx(), now: () => ms }
  return verifyApiKey(ctx, key, () => undefined).then(
    () => true,
    (error: { code?: string }) => {
      expect(error.code).toBe('invalid_api_key')
      return false
    },
  )
}

describe('rotating an API key', () => {
  it('gives a new value to the same key, and the old one works until the grace ends, remembered or not', async () => {
    const world = await createWorld()
    const { id, key: old } = await world.createKey('query')
    expect(await worksAt(old, Date.now())).toBe(true)
    const { key, previous_ends_at, hint, ...rest } = await rotate(world, id, 90)
    expect(rest).toMatchObject({ id, name: 'query key', kind: 'query' })
    expect(key).not.toBe(old)
    expect(hint).toBe(key.slice(-4))
    const end = Date.parse(previous_ends_at ?? '')
    expect(end - Date.now()).toBeLessThanOrEqual(90_000)
    // Asked shortly before the end, it is remembered beyond it.
    expect(await worksAt(old, end - 1)).toBe(true)
    expect(await worksAt(old, end)).toBe(false)
    expect(await worksAt(old, end + 2 * apiKeyCacheMs)).toBe(false)
    for (const ms of [end - 1, end, end + 2 * apiKeyCacheMs]) expect(await worksAt(key, ms)).toBe(true)
  })

  it('without a grace stops the old value at once', async () => {
    const world = await createWorld()
    const { id, key: old } = await world.createKey('admin')
    expect((await world.call(path, { as: old })).status).toBe(200)
    const { key, previous_ends_at } = await rotate(world, id, 0)
    expect(previous_ends_at).toBeNull()
    expect((await world.call(path, { as: old })).status).toBe(401)
    expect((await world.call(path, { as: key })).status).toBe(200)
  })

  it('twice leaves the two newest values', async () => {
    const world = await createWorld()
    const { id, key: first } = await world.createKey('admin')
    const { key: second } = await rotate(world, id, 600)
    expect(await Promise.all([first, second].map((key) => worksAt(key, Date.now())))).toEqual([true, true])
    const { key: third } = await rotate(world, id, 600)
    expect(await Promise.all([first, second, third].map((key) => worksAt(key, Date.now())))).toEqual([false, true, true])
  })

  it('never makes the old value outlive the key', async () => {
    const world = await createWorld()
    const { id, key: old } = await world.createKey('query')
    const { key } = await rotate(world, id, 600)
    const end = Date.now() + 60_000
    await testCtx().db.update(apiKeys).set({ expiresAt: end }).where(eq(apiKeys.id, id))
    expect(await Promise.all([old, key].map((value) => worksAt(value, end - 1)))).toEqual([true, true])
    expect(await Promise.all([old, key].map((value) => worksAt(value, end)))).toEqual([false, false])
    await world.call(`${path}/${id}`, { method: 'DELETE', as: world.owner.accessToken })
    expect(await Promise.all([old, key].map((value) => worksAt(value, Date.now())))).toEqual([false, false])
  })

  it('is won by one of many at once, whose value is the one that works', async () => {
    const world = await createWorld()
    const { id } = await world.createKey('query')
    const send = () => world.call(`${path}/${id}/rotate`, { as: world.owner.accessToken, json: { grace_seconds: 60 } })
    const answers = await Promise.all(Array.from({ length: 8 }, send))
    const won = answers.filter(({ status }) => status === 200)
    // Those that read after another one had won rotate what that one made.
    expect(answers.every(({ status }) => status === 200 || status === 409)).toBe(true)
    const keys = await Promise.all(won.map(async (answer) => (await answer.json<Rotated>()).key))
    const [row] = await testCtx().db.select().from(apiKeys).where(eq(apiKeys.id, id))
    const working = (await Promise.all(keys.map(async (key) => ((await worksAt(key, Date.now())) ? key : undefined)))).filter(Boolean)
    expect(working.length).toBe(Math.min(keys.length, 2))
    expect(keys.filter((key) => key.endsWith(row?.hint ?? '?'))).toHaveLength(1)
    const entries = await testCtx().db.select().from(auditLog).where(eq(auditLog.targetId, id))
    expect(entries.filter(({ action }) => action === 'api_key.rotate')).toHaveLength(won.length)
  })

  it('is written down with both hints, and with no value', async () => {
    const world = await createWorld()
    const { id, key: old } = await world.createKey('query')
    const { key } = await rotate(world, id, 60)
    const entries = await testCtx().db.select().from(auditLog).where(eq(auditLog.targetId, id)).orderBy(auditLog.id)
    const changes = { hint: { before: old.slice(-4), after: key.slice(-4) } }
    expect(entries.at(-1)).toMatchObject({ action: 'api_key.rotate', details: { grace_seconds: 60 }, changes })
    const stored = JSON.stringify([entries, await testCtx().db.select().from(apiKeys).where(eq(apiKeys.id, id))])
    for (const value of [old, key]) expect(stored).not.toContain(value.slice(11, 40))
  })

  it.each([-1, apiKeyGraceSecondsMax + 1, 1.5, '60', null])('refuses a grace of %j', async (grace) => {
    const { call, owner, createKey } = await createWorld()
    const { id } = await createKey('query')
    const answer = await call(`${path}/${id}/rotate`, { as: owner.accessToken, json: { grace_seconds: grace } })
    expect(await problemOf(answer)).toMatchObject({ status: 400, code: 'validation_failed' })
  })

  it('is refused for an expired key', async () => {
    const { call, owner, createKey } = await createWorld()
    const { id } = await createKey('query')
    await testCtx().db.update(apiKeys).set({ expiresAt: 1 }).where(eq(apiKeys.id, id))
    const answer = await call(`${path}/${id}/rotate`, { as: owner.accessToken, json: { grace_seconds: 60 } })
    expect(await problemOf(answer)).toMatchObject({ status: 422, code: 'unprocessable' })
  })
})

describe('the own limit of an API key', () => {
  it('refuses what is beyond it, and other keys go on', async () => {
    const world = await createWorld()
    const make = async (limit: number | null) => {
      const json = { name: 'x', kind: 'admin', rate_limit_per_minute: limit }
      return (await (await world.call(path, { as: world.owner.accessToken, json })).json<{ key: string }>()).key
    }
    const [narrow, wide] = [await make(2), await make(null)]
    const answers = []
    for (let i = 0; i < 3; i++) answers.push(await world.call(path, { as: narrow }))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 429])
    expect(answers.map(({ headers }) => headers.get('RateLimit-Limit'))).toEqual(['2', '2', '2'])
    expect((await world.call(path, { as: wide })).headers.get('RateLimit-Limit')).toBe('1000000')
  })
})
