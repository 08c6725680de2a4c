import { exports } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import { problemOf } from '../support/app.ts'
import { accessRows, row } from '../support/rows.ts'
import { createWorld, testCtx } from '../support/world.ts'
import type { SearchBody } from './log_store.ts'
import { bodyOf, read, readRaw, storeRows } from './log_store.ts'

interface ListBody {
  count: number
  next: string | null
  previous: string | null
  results: SearchBody['results']
}

test('a search finds what was stored, newest first, and tells what it cost', async () => {
  const world = await createWorld()
  await storeRows(world, [
    row({ message: 'connection reset by peer', timestampMs: 1000 }),
    row({ message: 'all is well', timestampMs: 2000 }),
  ])
  await storeRows(world, [row({ message: 'peer gone: connection reset', timestampMs: 3000, attributes: { status: 502 } })])
  const found = await read<SearchBody>(world, '/search', { q: 'connection reset' })
  expect(found.results.map(({ message }) => message)).toEqual(['peer gone: connection reset', 'connection reset by peer'])
  expect(found.results[0]).toMatchObject({
    timestamp: '1970-01-01T00:00:03.000Z',
    severity: 'INFO',
    attributes: { status: 502 },
    updated_at: null,
  })
  expect(found).toMatchObject({ next: null, partial: false, stats: { shards: 1, rows_matched: 2 } })
})

test('the same search can be posted', async () => {
  const world = await createWorld()
  await storeRows(world, [row({ message: 'one' }), row({ message: 'two' })])
  const response = await world.call('/api/v1/logs/search', { as: world.owner.accessToken, json: { q: 'two', order: 'oldest', limit: 1 } })
  expect((await bodyOf<SearchBody>(response)).results).toMatchObject([{ message: 'two' }])
})

test('a condition in the form of another language finds the text that it is, and is answered with how it is written here', async () => {
  const world = await createWorld()
  await storeRows(world, [
    row({ message: 'alert: status>=500', attributes: { status: 200 } }),
    row({ message: 'b', attributes: { status: 502 } }),
  ])
  const asText = await read<SearchBody & { hints?: { position: number; suggestion: string }[] }>(world, '/search', { q: 'status>=500' })
  expect(asText.results).toMatchObject([{ message: 'alert: status>=500' }])
  expect(asText.hints).toMatchObject([{ position: 0, suggestion: 'status:>=500' }])
  const found = await read<SearchBody>(world, '/search', { q: asText.hints![0]!.suggestion })
  expect(found.results).toMatchObject([{ message: 'b' }])
  expect(found).not.toHaveProperty('hints')
})

test('pages give every log of the first moment exactly once, over regions, while others arrive', async () => {
  const world = await createWorld()
  for (const region of ['weur', 'apac', 'enam'] as const) await storeRows(world, accessRows(150, region.length), region)
  for (const order of ['newest', 'oldest']) {
    const first = await read<ListBody>(world, '')
    const seen: string[] = []
    const times: string[] = []
    let cursor: string | null = null
    do {
      const page: SearchBody = await read<SearchBody>(world, '/search', { order, limit: 37, ...(cursor && { cursor }) })
      seen.push(...page.results.map(({ id }) => id))
      times.push(...page.results.map(({ timestamp }) => timestamp))
      cursor = page.next
      await storeRows(world, accessRows(3, seen.length), 'apac')
      if (seen.length > 100) await storeRows(world, accessRows(3, seen.length), 'oc')
    } while (cursor !== null)
    expect(seen).toHaveLength(first.count)
    expect(new Set(seen).size).toBe(seen.length)
    expect(times).toEqual(order === 'newest' ? times.toSorted().toReversed() : times.toSorted())
  }
})

test('the list counts exactly, and following next gives each log once', async () => {
  const world = await createWorld()
  await storeRows(world, accessRows(230))
  const seen: string[] = []
  let url: string | null = '/api/v1/logs?page_size=50&severity=info,error&source=api'
  let count = 0
  let pages = 0
  while (url !== null) {
    const page: ListBody = await bodyOf<ListBody>(await world.call(url.replace(/^https?:\/\/[^/]+/, ''), { as: world.owner.accessToken }))
    seen.push(...page.results.map(({ id }) => id))
    expect(page.results.every(({ source }) => source === 'api')).toBe(true)
    expect(page.previous === null).toBe(pages === 0)
    count = page.count
    url = page.next
    pages++
  }
  expect(seen).toHaveLength(count)
  expect(new Set(seen).size).toBe(count)
  expect(count).toBe(accessRows(230).filter(({ source }) => source === 'api').length)
})

test('links lead to the public address, whatever host a request names', async () => {
  const world = await createWorld()
  await storeRows(world, accessRows(5))
  const headers = { Authorization: `Bearer ${world.owner.accessToken}`, 'CF-Connecting-IP': world.address }
  const response = await exports.default.fetch(new Request('http://elsewhere.example/api/v1/logs?page=2&page_size=2', { headers }))
  const { next, previous } = await bodyOf<ListBody>(response)
  const { publicUrl } = testCtx().config
  expect(next?.startsWith(`${publicUrl}/api/v1/logs?page=3&page_size=2&cursor=`)).toBe(true)
  expect(previous).toBe(`${publicUrl}/api/v1/logs?page=1&page_size=2`)
})

test('numbered pages cut the same list', async () => {
  const world = await createWorld()
  await storeRows(world, accessRows(95))
  const all = await read<ListBody>(world, '', { page_size: 500 })
  const pages = await Promise.all([1, 2, 3, 4].map((page) => read<ListBody>(world, '', { page_size: 40, page })))
  expect(pages.flatMap(({ results }) => results.map(({ id }) => id))).toEqual(all.results.map(({ id }) => id))
  expect(pages.map(({ count }) => count)).toEqual([95, 95, 95, 95])
  expect(pages[3]).toMatchObject({ results: [], next: null })
})

test('the filters of the list mean what they say', async () => {
  const world = await createWorld()
  await storeRows(world, [
    row({ message: 'disk "full" (yes)', severity: 4, source: 'db, main', timestampMs: Date.parse('2026-11-20T23:59:59.999Z') }),
    row({ message: 'disk fine', severity: 2, source: 'db', timestampMs: Date.parse('2026-11-21T00:00:00Z') }),
    row({ message: 'wild*card?', severity: 3, source: 'web', timestampMs: Date.parse('2026-11-22T12:00:00Z') }),
  ])
  const messages = async (query: Record<string, string>) =>
    (await read<ListBody>(world, '', { order: 'oldest', ...query })).results.map(({ message }) => message)
  expect(await messages({ search: 'disk' })).toEqual(['disk "full" (yes)', 'disk fine'])
  expect(await messages({ search: '"full" (yes)' })).toEqual(['disk "full" (yes)'])
  expect(await messages({ search: 'wild*card?' })).toEqual(['wild*card?'])
  expect(await messages({ search: 'wi*' })).toEqual([])
  expect(await messages({ severity: 'err,warn' })).toEqual(['disk "full" (yes)', 'wild*card?'])
  expect(await messages({ source: 'web,db' })).toEqual(['disk fine', 'wild*card?'])
  expect(await messages({ date_from: '2026-11-21', date_to: '2026-11-21' })).toEqual(['disk fine'])
  expect(await messages({ date_to: '2026-11-20' })).toEqual(['disk "full" (yes)'])
  expect(await messages({ q: 'level:info OR level:error', search: 'fine' })).toEqual(['disk fine'])
})

test.each([
  ['/search', { q: 'a AND (b' }, 'invalid_query'],
  ['', { q: 'a) OR (b' }, 'invalid_query'],
  ['/search', { cursor: 'AAAA' }, 'invalid_cursor'],
  ['/search', { from: 'yesterday' }, 'validation_failed'],
  ['/search', { limit: 501 }, 'validation_failed'],
  ['/search', { limit: '1e2' }, 'validation_failed'],
  ['/search', { order: 'random' }, 'validation_failed'],
  ['/search', { surprise: 1 }, 'validation_failed'],
  ['', { page: 300, page_size: 500 }, 'validation_failed'],
  ['', { page: 0 }, 'validation_failed'],
  ['', { severity: 'loud' }, 'validation_failed'],
  ['/histogram', { interval: '0s' }, 'validation_failed'],
  ['/histogram', { interval: '1ms', from: '2026-11-21', to: '2026-11-22' }, 'validation_failed'],
  ['/facets', { fields: '' }, 'validation_failed'],
  ['/facets', { limit: 1000 }, 'validation_failed'],
  ['/export', { format: 'xml' }, 'validation_failed'],
])('%s with %j is refused with %s', async (path, query, code) => {
  const world = await createWorld()
  expect(await problemOf(await readRaw(world, path, query as Record<string, string>))).toMatchObject({ status: 400, code })
})

test('a syntax error names the position and what was expected', async () => {
  const world = await createWorld()
  const problem = await problemOf(await readRaw(world, '/search', { q: 'status:>=' }))
  expect(problem).toMatchObject({
    code: 'invalid_query',
    details: { position: [expect.stringMatching(/^\d+$/)], expected: [expect.any(String)] },
  })
})

test('a cursor of another organization or of another query is refused', async () => {
  const [world, other] = await Promise.all([createWorld(), createWorld()])
  await storeRows(world, accessRows(5))
  await storeRows(other, accessRows(5))
  const { next } = await read<SearchBody>(world, '/search', { limit: 2, q: 'GET' })
  for (const [who, query] of [
    [other, { q: 'GET' }],
    [world, { q: 'get' }],
    [world, { q: 'GET', order: 'oldest' }],
    [world, { q: 'GET', from: '2026-01-01' }],
  ] as const) {
    const response = await readRaw(who, '/search', { limit: 2, cursor: next ?? '', ...query })
    expect(await problemOf(response)).toMatchObject({ status: 400, code: 'invalid_cursor' })
  }
})

test('an organization sees its own logs and no other, whatever it asks', async () => {
  const [world, other] = await Promise.all([createWorld(), createWorld()])
  await storeRows(world, [row({ message: 'ours' })])
  await storeRows(other, [row({ message: 'theirs' })])
  const mine = await read<SearchBody>(world, '/search')
  expect(mine.results.map(({ message }) => message)).toEqual(['ours'])
  const [theirs] = (await read<SearchBody>(other, '/search')).results
  // Ids are the same in every organization: number of the shard and of the row. They lead only to one's own.
  expect(await read(world, `/${theirs?.id}`)).toMatchObject({ message: 'ours' })
  expect(await read<{ count: number }>(world, '')).toMatchObject({ count: 1 })
  expect(await (await readRaw(world, '/export')).text()).not.toContain('theirs')
})

test('an organization without any logs gets empty answers', async () => {
  const world = await createWorld()
  expect(await read(world, '')).toMatchObject({ count: 0, next: null, previous: null, results: [] })
  expect(await read(world, '/search')).toMatchObject({ results: [], next: null, partial: false, stats: { shards: 0 } })
  expect(await read(world, '/histogram')).toMatchObject({ count: 0, buckets: [] })
  expect(await read(world, '/facets')).toMatchObject({
    facets: [
      { field: 'severity', values: [] },
      { field: 'source', values: [] },
    ],
  })
  expect(await (await readRaw(world, '/export')).text()).toBe('')
})
