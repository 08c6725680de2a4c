import { env } from 'cloudflare:test'
import { beforeEach, describe, expect, it } from 'vitest'
import { idempotencyKeyCharsMax } from '../../src/core/limits.ts'
import { ProblemError } from '../../src/core/problems.ts'
import type { TenantCtx } from '../../src/db/context.ts'
import { ingestLogs } from '../../src/ingest/ingest_logs.ts'
import type { AppendRequest, LogShardRpc } from '../../src/objects/log-shard/protocol.ts'
import { encodeRows, row } from '../support/rows.ts'
import { plainLogSettings } from '../support/usage.ts'
import { createWorld, testCtx } from '../support/world.ts'
import type { World } from '../support/world.ts'

let world: World
let key: string
beforeEach(async () => {
  world = await createWorld()
  key = (await world.createKey('ingest')).key
})

const post = (body: string, idempotencyKey?: string, type = 'application/x-ndjson') =>
  world.call('/api/v1/logs', {
    as: key,
    body,
    headers: { 'Content-Type': type, ...(idempotencyKey !== undefined && { 'Idempotency-Key': idempotencyKey }) },
  })

/** Messages of all that is stored, oldest first. */
async function stored(): Promise<string[]> {
  const response = await world.call('/api/v1/logs/search?order=oldest&limit=500', { as: world.owner.accessToken })
  if (response.status !== 200) throw new Error(await response.text())
  const { results } = await response.json<{ results: { message: string }[] }>()
  return results.map(({ message }) => message)
}

const replayed = (response: Response) => response.headers.get('Idempotency-Replayed')

/** A context whose shard answers as `append` does, with the real one to pass on to. */
function ctxWith(append: (real: LogShardRpc, request: AppendRequest) => Promise<never>): TenantCtx {
  const getByName = (name: string) => {
    const real = env.LOG_SHARD.getByName(name) as unknown as LogShardRpc
    return { append: (request: AppendRequest) => append(real, request) }
  }
  return {
    ...testCtx(),
    env: { ...env, LOG_SHARD: { getByName } as never },
    actor: { kind: 'api_key', keyId: 'k', scopes: ['logs:write'] },
    tenant: { organizationId: world.organizationId, accountId: world.accountId, logSettings: plainLogSettings },
  }
}
const input = { body: Buffer.from('a\nb'), type: 'ndjson' as const, idempotencyKey: 'k1' }
const problemOf = async (ctx: TenantCtx) => {
  const error: unknown = await ingestLogs(ctx, input).catch((reason: unknown) => reason)
  return error instanceof ProblemError ? { code: error.code } : error
}

describe('the same Idempotency-Key', () => {
  it('stores the same batch once and answers the same counts', async () => {
    const body = 'a\nb\n{"severity":"loud"}\nc'
    const first = await post(body, 'k1')
    const again = await post(body, 'k1')
    expect([first.status, replayed(first), again.status, replayed(again)]).toEqual([202, null, 202, 'true'])
    expect(await again.json()).toEqual(await first.json())
    expect(await stored()).toEqual(['a', 'b', 'c'])
  })

  it('answers the counts of the first time, whatever the batch would make now', async () => {
    const ctx = ctxWith(async (real, request) => {
      await real.append({ ...request, blocks: encodeRows([row(), row(), row()]), idempotency: { ...request.idempotency!, rejected: 7 } })
      throw new Error('Network connection lost.')
    })
    expect(await problemOf(ctx)).toEqual({ code: 'unavailable' })
    const again = await post('a\nb', 'k1')
    expect([replayed(again), await again.json()]).toEqual(['true', { accepted: 3, rejected: 7, errors: [] }])
  })

  it('answers the one record as it was stored the first time', async () => {
    const first = await post('{"message":"one"}', 'k1', 'application/json')
    const again = await post('{"message":"one"}', 'k1', 'application/json')
    expect([again.status, replayed(again)]).toEqual([201, 'true'])
    expect(await again.json()).toEqual(await first.json())
    expect(await stored()).toEqual(['one'])
  })

  it('answers the one record as it was sent, although it was edited or deleted since', async () => {
    const send = () => post('{"message":"one","level":"warn","a":1}', 'k1', 'application/json')
    const first = await (await send()).json<{ id: string }>()
    const path = `/api/v1/logs/${first.id}`
    await world.call(path, { as: world.owner.accessToken, method: 'PATCH', json: { message: 'not for writers' } })
    expect(await stored()).toEqual(['not for writers'])
    expect(await (await send()).json()).toEqual(first)
    await world.call(path, { as: world.owner.accessToken, method: 'DELETE' })
    expect(await stored()).toEqual([])
    expect(await (await send()).json()).toEqual(first)
  })

  it('stores once when requests race', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => post('x\ny', 'race')))
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 202))
    expect(answers.filter((answer) => replayed(answer) === null)).toHaveLength(1)
    expect(await stored()).toEqual(['x', 'y'])
  })

  it('is refused for another body', async () => {
    await post('a', 'k1')
    const other = await post('b', 'k1')
    expect([other.status, await other.json()]).toMatchObject([422, { code: 'idempotency_key_reused' }])
    expect(await stored()).toEqual(['a'])
  })

  it('is another one in another organization', async () => {
    const other = await createWorld()
    const { key: otherKey } = await other.createKey('ingest')
    await post('a', 'shared')
    const options = { as: otherKey, body: 'a', headers: { 'Content-Type': 'application/x-ndjson', 'Idempotency-Key': 'shared' } }
    expect(replayed(await other.call('/api/v1/logs', options))).toBeNull()
  })

  it('may be any printable ASCII up to its length', async () => {
    for (const good of ['~', 'a b', '"quoted"', 'k'.repeat(idempotencyKeyCharsMax)])
      expect([good, (await post('m', good)).status]).toEqual([good, 202])
    for (const bad of ['', 'tab\tinside', 'ü', 'k'.repeat(idempotencyKeyCharsMax + 1)]) {
      const response = await post('m', bad)
      expect([bad, response.status, await response.json()]).toMatchObject([
        bad,
        400,
        { details: { 'Idempotency-Key': [expect.any(String)] } },
      ])
    }
  })
})

it('without a key the same body is stored each time', async () => {
  await post('a')
  await post('a')
  expect(await stored()).toEqual(['a', 'a'])
})

it('a shard with no room for another block is a 503 that says so', async () => {
  const ctx = ctxWith(() => Promise.resolve({ status: 'shard_full' } as never))
  expect(await problemOf(ctx)).toMatchObject({ code: 'shard_full' })
})

describe('a shard that cannot be reached', () => {
  it('is a 503, and nothing is stored', async () => {
    const ctx = ctxWith(() => Promise.reject(Object.assign(new Error('Durable Object is overloaded'), { overloaded: true })))
    expect(await problemOf(ctx)).toEqual({ code: 'unavailable' })
    expect(await stored()).toEqual([])
  })

  it.each<[string, (request: AppendRequest) => AppendRequest]>([
    ['a batch that no shard takes', (request) => ({ ...request, blocks: [] })],
    ['a batch of another shard', (request) => ({ ...request, identity: { ...request.identity, organizationId: 'other' } })],
  ])('is told from a fault of ours, such as %s, which no retry would mend', async (_, spoil) => {
    await post('first')
    const error = await problemOf(ctxWith((real, request) => real.append(spoil(request)) as Promise<never>))
    expect(error).toBeInstanceOf(Error)
    expect(String(error)).toMatch(/a batch of 0 blocks|this shard is/)
    expect(await stored()).toEqual(['first'])
  })

  it('may have stored the batch all the same: the retry with the same key stores it once', async () => {
    const ctx = ctxWith(async (real, request) => {
      await real.append(request)
      throw new Error('Network connection lost.')
    })
    expect(await problemOf(ctx)).toEqual({ code: 'unavailable' })
    const retry = await post('a\nb', 'k1')
    expect([retry.status, replayed(retry), await retry.json()]).toEqual([202, 'true', { accepted: 2, rejected: 0, errors: [] }])
    expect(await stored()).toEqual(['a', 'b'])
  })
})
