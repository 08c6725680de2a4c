import { eq } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { apiKeyCacheMs, apiKeyMissCacheMs, lastUsedStepMs, retentionDaysDefault } from '../../src/core/limits.ts'
import { problem } from '../../src/core/problems.ts'
import type { BaseCtx } from '../../src/db/context.ts'
import { accounts, apiKeys, organizations } from '../../src/db/schema.ts'
import { hashApiKey, newApiKey } from '../../src/features/api-keys/key.ts'
import { verifyApiKey } from '../../src/features/api-keys/verify.ts'
import { problemOf } from '../support/app.ts'
import { createWorld, testCtx } from '../support/world.ts'

const path = '/api/v1/api-keys'
const start = Date.now()

/** A context at a time of the test's choice, which counts its D1 statements and waits for what goes on behind. */
function observed(ms = 0) {
  const work: Promise<unknown>[] = []
  let queries = 0
  const base = testCtx()
  const { db } = base
  const watched = new Proxy(db, {
    get(target, name, receiver) {
      if (name === 'select') queries += 1
      return Reflect.get(target, name, receiver) as unknown
    },
  })
  const ctx: BaseCtx = { ...base, db: watched, now: () => start + ms, waitUntil: (promise) => void work.push(promise) }
  return { ctx, queries: () => queries, settled: async () => (await Promise.all(work)).length }
}

const verify = (ctx: BaseCtx, text: string) => verifyApiKey(ctx, text, () => undefined)

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'passed',
    (error: { code?: string }) => error.code ?? 'error',
  )
}

async function lastUsed(id: string): Promise<number | null | undefined> {
  const [row] = await testCtx().db.select({ at: apiKeys.lastUsedAt }).from(apiKeys).where(eq(apiKeys.id, id))
  return row?.at
}

describe('an API key at the door', () => {
  it('tells its id, scopes and organization', async () => {
    const { createKey, organizationId, accountId } = await createWorld()
    const { id, key } = await createKey('admin', ['logs:read', 'logs:edit'])
    const verified = await verify(observed().ctx, key)
    const quota = { rowsPerMinute: null, bytesPerMinute: null, rowsPerMonth: null, bytesPerMonth: null }
    const logSettings = { retentionDays: retentionDaysDefault, quota, version: 0 }
    expect(verified).toEqual({
      keyId: id,
      scopes: ['logs:read', 'logs:edit'],
      tenant: { organizationId, accountId, logSettings },
      ratePerMinute: null,
    })
  })

  it('asks D1 once a minute', async () => {
    const { createKey } = await createWorld()
    const { key } = await createKey('ingest')
    const queriesAt = async (ms: number) => {
      const { ctx, queries } = observed(ms)
      await verify(ctx, key)
      return queries()
    }
    expect(await queriesAt(0)).toBe(1)
    expect(await queriesAt(1)).toBe(0)
    expect(await queriesAt(apiKeyCacheMs - 1)).toBe(0)
    expect(await queriesAt(apiKeyCacheMs)).toBe(1)
  })

  it('is refused without asking D1 when it is mistyped', async () => {
    const { createKey } = await createWorld()
    const { key } = await createKey('ingest')
    const typo = key.slice(0, -10) + (key.at(-10) === 'a' ? 'b' : 'a') + key.slice(-9)
    for (const text of [typo, key.slice(0, -1), `${key}x`, 'elk_', `elk_ingest_${'0'.repeat(49)}`]) {
      const { ctx, queries } = observed()
      expect(await codeOf(verify(ctx, text))).toBe('invalid_api_key')
      expect(queries()).toBe(0)
    }
  })

  it('is refused when unknown, and asked for again after seconds', async () => {
    const { key } = newApiKey('ingest')
    const queriesAt = async (ms: number) => {
      const { ctx, queries } = observed(ms)
      expect(await codeOf(verify(ctx, key))).toBe('invalid_api_key')
      return queries()
    }
    expect(await queriesAt(0)).toBe(1)
    expect(await queriesAt(apiKeyMissCacheMs - 1)).toBe(0)
    expect(await queriesAt(apiKeyMissCacheMs)).toBe(1)
  })

  it('is not asked for when the caller may not ask', async () => {
    const { ctx, queries } = observed()
    const refuse = () => {
      throw problem('rate_limited', 'Enough.')
    }
    expect(await codeOf(verifyApiKey(ctx, newApiKey('ingest').key, refuse))).toBe('rate_limited')
    expect(queries()).toBe(0)
  })

  it('stops at once where it is revoked', async () => {
    const { call, createKey, owner } = await createWorld()
    const { id, key } = await createKey('admin')
    expect((await call(path, { as: key })).status).toBe(200)
    expect((await call(path, { headers: { 'X-API-Key': key } })).status).toBe(200)
    await call(`${path}/${id}`, { method: 'DELETE', as: owner.accessToken })
    const refused = await call(path, { as: key })
    expect(refused.headers.get('WWW-Authenticate')).toBe('Bearer realm="edgelog", error="invalid_token"')
    expect(await problemOf(refused)).toMatchObject({ status: 401, code: 'invalid_api_key' })
  })

  it('stops within a minute where it was revoked elsewhere', async () => {
    const { createKey } = await createWorld()
    const { id, key } = await createKey('ingest')
    await verify(observed().ctx, key)
    await testCtx().db.update(apiKeys).set({ revokedAt: 1 }).where(eq(apiKeys.id, id))
    expect(await codeOf(verify(observed(apiKeyCacheMs).ctx, key))).toBe('invalid_api_key')
  })

  it('stops exactly at its end, remembered or not', async () => {
    const { createKey } = await createWorld()
    const { id, key } = await createKey('ingest')
    await testCtx()
      .db.update(apiKeys)
      .set({ expiresAt: start + 1000 })
      .where(eq(apiKeys.id, id))
    expect(await codeOf(verify(observed(999).ctx, key))).toBe('passed')
    expect(await codeOf(verify(observed(1000).ctx, key))).toBe('invalid_api_key')
    expect(await codeOf(verify(observed(1000 + apiKeyCacheMs).ctx, key))).toBe('invalid_api_key')
  })

  it('is no good when its organization or account is deleted', async () => {
    for (const table of [organizations, accounts]) {
      const { createKey, organizationId, accountId } = await createWorld()
      const { key } = await createKey('ingest')
      await testCtx()
        .db.update(table)
        .set({ deletedAt: 1 })
        .where(eq(table.id, table === organizations ? organizationId : accountId))
      expect(await codeOf(verify(observed().ctx, key))).toBe('invalid_api_key')
    }
  })

  it('is not found by its hash', async () => {
    const { createKey } = await createWorld()
    const { key } = await createKey('ingest')
    expect(await codeOf(verify(observed().ctx, hashApiKey(key)))).toBe('invalid_api_key')
  })

  it('notes its use at most once an hour, behind the answer', async () => {
    const { createKey } = await createWorld()
    const { id, key } = await createKey('ingest')
    const useAt = async (ms: number) => {
      const { ctx, settled } = observed(ms)
      await verify(ctx, key)
      return settled()
    }
    expect(await useAt(0)).toBe(1)
    expect(await lastUsed(id)).toBe(start)
    expect(await useAt(1000)).toBe(0)
    expect(await useAt(lastUsedStepMs - 1)).toBe(0)
    expect(await lastUsed(id)).toBe(start)
    expect(await useAt(lastUsedStepMs)).toBe(1)
    expect(await lastUsed(id)).toBe(start + lastUsedStepMs)
  })

  it('reaches its own organization, whatever the header says', async () => {
    const [mine, other] = [await createWorld(), await createWorld()]
    const { id, key } = await mine.createKey('admin')
    const hidden = await other.createKey('admin')
    const body = await (await mine.call(path, { as: key, headers: { 'X-Organization-Id': other.organizationId } })).json()
    expect(body).toMatchObject({ count: 1, results: [{ id }] })
    expect((await mine.call(`${path}/${hidden.id}`, { as: key })).status).toBe(404)
  })
})
