import { env } from 'cloudflare:test'
import { eq, sql } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import type { Costs } from '../../src/core/costs.ts'
import { isolateMeter, meterName } from '../../src/core/cost_meter.ts'
import { meterFlushMs } from '../../src/core/limits.ts'
import { meteredBindings } from '../../src/core/metered.ts'
import { openDatabase } from '../../src/db/client.ts'
import { accounts, organizations } from '../../src/db/schema.ts'
import { parseExposition } from '../support/exposition.ts'
import { callFrom, createWorld, randomAddress } from '../support/world.ts'

/** Metered bindings, and what they counted. */
function metered(plain = env) {
  const counts: Costs = {}
  const bindings = meteredBindings(plain, (kind, amount = 1) => (counts[kind] = (counts[kind] ?? 0) + amount))
  return { bindings, counts }
}

describe('a metered D1 database', () => {
  it('answers every kind of call as the plain one does', async () => {
    const { bindings } = metered()
    const answers = async (db: D1Database) => {
      const two = db.prepare('SELECT ? AS a, ? AS b UNION ALL SELECT 3, 4').bind(1, 'x')
      const none = db.prepare('SELECT 1 AS a WHERE 0')
      const same = db.prepare('SELECT 1 AS a, 2 AS a, 3 AS "0"')
      return [
        (await two.all()).results,
        await two.first(),
        await two.first('b'),
        await none.first(),
        await two.raw(),
        // The second time it is read in another way.
        await two.raw(),
        await two.raw({ columnNames: true }),
        await none.raw(),
        await none.raw(),
        await none.raw({ columnNames: true }),
        await same.raw(),
        await same.raw(),
        (await db.batch([two, none])).map(({ results }) => results),
        (await two.run()).success,
      ]
    }
    expect(await answers(bindings.DB)).toEqual(await answers(env.DB))
    await expect(bindings.DB.prepare('SELECT absent').all()).rejects.toThrow('no such column')
  })

  it('works under drizzle: joins whose columns have the same names, batches, writes', async () => {
    const { organizationId } = await createWorld()
    const { bindings, counts } = metered()
    const read = (db: D1Database) =>
      openDatabase(db)
        .select()
        .from(organizations)
        .innerJoin(accounts, eq(accounts.id, organizations.accountId))
        .where(eq(organizations.id, organizationId))
    const expected = await read(env.DB)
    expect([await read(bindings.DB), await read(bindings.DB)]).toEqual([expected, expected])
    const db = openDatabase(bindings.DB)
    const rename = db.update(organizations).set({ name: 'Renamed' }).where(eq(organizations.id, organizationId))
    const name = db.select({ name: organizations.name }).from(organizations).where(eq(organizations.id, organizationId))
    const [, renamed] = await db.batch([rename, name])
    expect(renamed).toEqual([{ name: 'Renamed' }])
    expect(counts.d1_statements).toBe(4)
  })

  it('counts the rows that D1 says it read and wrote', async () => {
    const { bindings, counts } = metered()
    const db = openDatabase(bindings.DB)
    await db.run(sql`CREATE TABLE metered (id INTEGER PRIMARY KEY, word TEXT)`)
    const before = { ...counts }
    await db.run(sql`INSERT INTO metered VALUES (1, 'a'), (2, 'b'), (3, 'c')`)
    expect((counts.d1_rows_written ?? 0) - (before.d1_rows_written ?? 0)).toBe(3)
    const read = counts.d1_rows_read ?? 0
    const scan = bindings.DB.prepare(`SELECT id FROM metered WHERE word = 'c'`)
    expect([await scan.raw(), await scan.raw()]).toEqual([[[3]], [[3]]])
    // Three rows are looked at; the first time only the one that came is known of.
    expect((counts.d1_rows_read ?? 0) - read).toBe(1 + 3)
    await env.DB.exec('DROP TABLE metered')
  })
})

describe('other metered bindings', () => {
  it('count R2 by billing class and bytes', async () => {
    const { bindings, counts } = metered()
    const key = `metered/${crypto.randomUUID()}`
    await bindings.STORAGE.put(key, new Uint8Array(1000))
    expect((await (await bindings.STORAGE.get(key))!.arrayBuffer()).byteLength).toBe(1000)
    expect((await (await bindings.STORAGE.get(key, { range: { offset: 990, length: 100 } }))!.bytes()).length).toBe(10)
    expect((await (await bindings.STORAGE.get(key, { range: { suffix: 7 } }))!.bytes()).length).toBe(7)
    expect(await bindings.STORAGE.get(`${key}/none`)).toBeNull()
    expect((await bindings.STORAGE.head(key))?.size).toBe(1000)
    expect((await bindings.STORAGE.list({ prefix: key })).objects).toHaveLength(1)
    const upload = await bindings.STORAGE.createMultipartUpload(`${key}/parts`)
    await upload.complete([await upload.uploadPart(1, 'part')])
    await bindings.STORAGE.delete([key, `${key}/parts`])
    expect(counts).toEqual({ r2_class_a: 5, r2_class_b: 5, r2_deletes: 1, r2_bytes_read: 1017, r2_bytes_written: 1004 })
  })

  it('count KV by key', async () => {
    const { bindings, counts } = metered()
    const key = `metered/${crypto.randomUUID()}`
    await bindings.RATE_LIMITS.put(key, 'seven')
    expect(await bindings.RATE_LIMITS.get(key)).toBe('seven')
    expect((await bindings.RATE_LIMITS.get([key, `${key}/none`])).get(key)).toBe('seven')
    expect((await bindings.RATE_LIMITS.getWithMetadata(key)).value).toBe('seven')
    expect((await bindings.RATE_LIMITS.list({ prefix: key })).keys).toHaveLength(1)
    await bindings.RATE_LIMITS.delete(key)
    expect(counts).toEqual({ kv_writes: 1, kv_reads: 4, kv_lists: 1, kv_deletes: 1 })
  })

  it('count calls of Durable Objects and messages of queues', async () => {
    const messages: unknown[] = []
    const queue = { send: async (body: unknown) => void messages.push(body), sendBatch: async () => undefined }
    const { bindings, counts } = metered({ ...env, EMAIL_JOBS: queue as unknown as Queue })
    const name = crypto.randomUUID()
    await bindings.METER.getByName(name).report({ a: { kv_reads: 2 } })
    expect((await bindings.METER.get(bindings.METER.idFromName(name)).totals()).operations['a']).toEqual({ kv_reads: 2 })
    await (bindings.EMAIL_JOBS as Queue).send({ text: 'x'.repeat(100_000) })
    expect(messages).toHaveLength(1)
    expect(counts).toEqual({ do_requests: 2, queue_operations: 6 })
  })
})

describe('GET /metrics', () => {
  const scrape = (token?: string) => callFrom(randomAddress(), '/metrics', token === undefined ? {} : { as: token })

  it('is for who knows the token', async () => {
    for (const token of [undefined, 'metrics-token-of-the-test', 'metrics-token-of-the-tests2', 'Bearer']) {
      const response = await scrape(token)
      expect([response.status, await response.json()]).toMatchObject([401, { code: 'unauthenticated' }])
      expect(response.headers.get('WWW-Authenticate')).toContain('Bearer')
    }
  })

  it('shows what requests cost, in a form that Prometheus takes', async () => {
    const { call, owner } = await createWorld()
    const key = owner.accessToken
    await report()
    const before = await totals()
    const stored = await call('/api/v1/logs', { as: key, json: [{ message: 'one' }, { message: 'two' }] })
    expect(stored.status).toBe(202)
    expect((await call('/api/v1/logs/search', { as: key })).status).toBe(200)
    await report()
    const after = await totals()
    const risen = (name: string, labels: Record<string, string>) => find(after, name, labels) - find(before, name, labels)
    expect(risen('edgelog_worker_requests_total', { operation: 'logs.search' })).toBe(1)
    expect(risen('edgelog_worker_requests_total', { operation: 'logs.create' })).toBe(1)
    expect(risen('edgelog_d1_statements_total', { operation: 'logs.search' })).toBeGreaterThan(0)
    expect(risen('edgelog_durable_object_requests_total', { operation: 'logs.create' })).toBeGreaterThan(0)
    expect(risen('edgelog_logs_stored_total', { operation: 'logs.create' })).toBe(2)
    expect(risen('edgelog_durable_object_rows_total', { operation: 'logs.create', direction: 'written' })).toBeGreaterThan(0)
    expect(risen('edgelog_cost_dollars_total', { operation: 'logs.create' })).toBeGreaterThan(0)
  })

  /** Reports what waits in this isolate for its time. */
  let reports = 0
  const report = () =>
    isolateMeter.flush(Date.now() + ++reports * 2 * meterFlushMs, (costs) => env.METER.getByName(meterName).report(costs))

  async function totals() {
    const response = await scrape('metrics-token-of-the-tests')
    expect([response.status, response.headers.get('Content-Type')]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8'])
    return parseExposition(await response.text())
  }

  function find(samples: Awaited<ReturnType<typeof totals>>, name: string, labels: Record<string, string>): number {
    const matches = (sample: { labels: Record<string, string> }) =>
      Object.entries(labels).every(([label, text]) => sample.labels[label] === text)
    return samples.find((sample) => sample.name === name && matches(sample))?.value ?? 0
  }
})
