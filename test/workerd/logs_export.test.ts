import { env } from 'cloudflare:test'
import { expect, test } from 'vitest'
import { accessRows, row } from '../support/rows.ts'
import type { World } from '../support/world.ts'
import { createWorld } from '../support/world.ts'
import { parseCsv } from '../unit/search/parse_csv.ts'
import { damageBlock, readRaw, shardStub, storeRows } from './log_store.ts'

const odd = row({
  message: 'line one\nline "two", with\tall\u0000 of it 💥',
  source: '=HYPERLINK("x")',
  severity: 4,
  timestampMs: 5,
  timestampNs: 7,
  attributes: {
    'a.b': 'x',
    big: 2n ** 63n,
    ok: false,
    list: '[1,2]',
    level: 'odd',
    message: 'inner',
    __proto__x: 1.5,
    id: 'theirs',
    formula: '-1+1',
    number: -1,
  },
})

async function exported(world: World, query: Record<string, string>): Promise<string> {
  const response = await readRaw(world, '/export', query)
  expect(response.status).toBe(200)
  return response.text()
}

test('NDJSON that was exported gives the same logs when it is ingested again', async () => {
  const [world, other] = await Promise.all([createWorld(), createWorld()])
  await storeRows(world, [odd, ...accessRows(300)])
  const text = await exported(world, { format: 'ndjson', order: 'oldest' })
  expect(text.trimEnd().split('\n')).toHaveLength(301)
  const sent = await other.call('/api/v1/logs', {
    as: other.owner.accessToken,
    body: text,
    headers: { 'Content-Type': 'application/x-ndjson' },
  })
  expect(await sent.json()).toMatchObject({ accepted: 301, rejected: 0 })
  expect(await exported(other, { format: 'ndjson', order: 'oldest' })).toBe(text)
})

test('CSV has a header, one line a log, and nothing that a spreadsheet would run', async () => {
  const world = await createWorld()
  await storeRows(world, [odd, ...accessRows(20)])
  const response = await readRaw(world, '/export', { format: 'csv', order: 'oldest' })
  expect(response.headers.get('Content-Type')).toMatch(/^text\/csv/)
  expect(response.headers.get('Content-Disposition')).toMatch(/^attachment; filename="edgelog-\d{4}-\d\d-\d\d\.csv"$/)
  const [header, first, ...rest] = parseCsv(await response.text())
  expect(header).toEqual(['id', 'timestamp', 'severity', 'source', 'message', 'attributes', 'created_at', 'updated_at'])
  expect(rest).toHaveLength(20)
  expect(first?.slice(1, 5)).toEqual(['1970-01-01T00:00:00.005000007Z', 'ERROR', `'=HYPERLINK("x")`, odd.message])
  expect(first?.[5]).toContain(`"big":${2n ** 63n}`)
})

test('the fields of an export can be chosen', async () => {
  const world = await createWorld()
  await storeRows(world, [odd])
  const lines = parseCsv(await exported(world, { format: 'csv', fields: 'severity,formula,number,missing,attributes.message,big' }))
  expect(lines).toEqual([
    ['severity', 'formula', 'number', 'missing', 'attributes.message', 'big'],
    ['ERROR', `'-1+1`, '-1', '', 'inner', String(2n ** 63n)],
  ])
  expect(await exported(world, { format: 'ndjson', fields: 'severity,missing,constructor,__proto__,number' })).toBe(
    '{"severity":"ERROR","number":-1}\n',
  )
})

test('an export of many pages over two regions holds every log once, in order', async () => {
  const world = await createWorld()
  for (const region of ['weur', 'apac'] as const) {
    for (let i = 0; i < 3; i++) await storeRows(world, accessRows(1500, i + 1), region)
  }
  const lines = parseCsv(await exported(world, { format: 'csv', fields: 'timestamp,id', order: 'newest' })).slice(1)
  expect(lines).toHaveLength(9000)
  expect(new Set(lines.map(([, id]) => id)).size).toBe(9000)
  const times = lines.map(([time]) => time ?? '')
  expect(times).toEqual(times.toSorted().toReversed())
})

test('an export narrows to a query and a range', async () => {
  const world = await createWorld()
  await storeRows(world, [
    row({ message: 'in', timestampMs: 1000 }),
    row({ message: 'in, but late', timestampMs: 2000 }),
    row({ message: 'out', timestampMs: 1500 }),
  ])
  expect(parseCsv(await exported(world, { format: 'csv', q: 'in', to: '1970-01-01T00:00:02Z', fields: 'message' }))).toEqual([
    ['message'],
    ['in'],
  ])
})

test('an export of damaged logs has all that can be read, and then breaks off', async () => {
  const world = await createWorld()
  for (let i = 0; i < 3; i++)
    await storeRows(
      world,
      accessRows(1500, i + 1).map((one) => ({ ...one, timestampMs: one.timestampMs + i * 1e6 })),
    )
  await damageBlock((await shardStub(world)).rpc, 1501)
  for (const order of ['oldest', 'newest']) {
    const response = await readRaw(world, '/export', { format: 'csv', fields: 'id', order })
    expect(response.status).toBe(200)
    let text = ''
    const read = async () => {
      for await (const bytes of response.body as ReadableStream<Uint8Array>) text += new TextDecoder().decode(bytes)
    }
    await expect(read()).rejects.toThrow('block 1501')
    expect(text.trimEnd().split('\r\n')).toHaveLength(3001)
  }
  await env.DB.prepare('DELETE FROM damaged_segments').run()
})
