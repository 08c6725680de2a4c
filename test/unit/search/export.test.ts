import { expect, test } from 'vitest'
import type { TenantCtx } from '../../../src/db/context.ts'
import type { Order, Position } from '../../../src/engine/query/types.ts'
import { exportPageBytes } from '../../../src/core/limits.ts'
import type { PageState } from '../../../src/search/cursor.ts'
import type { FilePage } from '../../../src/search/export.ts'
import { streamOf } from '../../../src/search/export.ts'
import { createTextPage } from '../../../src/search/export_page.ts'

const next: PageState = { after: { ms: 0, ns: 0, shard: 0, seq: 0 }, range: { fromMs: 0, toMs: 1 }, snapshot: new Map() }
const none = new Uint8Array(0)
const encoder = new TextEncoder()
const decoder = new TextDecoder()

function pageOf(text: string, following: PageState | null): FilePage {
  return { bytes: encoder.encode(text), next: following, damaged: [] }
}

function contextOf(errors: unknown[]): TenantCtx {
  return { log: { add: () => {}, warn: () => {}, error: (_: string, error: unknown) => void errors.push(error) } } as unknown as TenantCtx
}

test('a page is sent before the next is read, also when that then fails', async () => {
  const errors: unknown[] = []
  let reads = 0
  const reader = streamOf(contextOf(errors), none, pageOf('page 1\n', next), () => {
    reads++
    return Promise.reject(new Error('gone'))
  }).getReader()
  const { value } = await reader.read()
  expect(decoder.decode(value)).toBe('page 1\n')
  expect(reads).toBe(0)
  await expect(reader.read()).rejects.toThrow('gone')
  expect(errors).toEqual([new Error('gone')])
})

test('pages without a row are passed over, and nothing is sent for an empty export', async () => {
  const pages = [pageOf('', next), pageOf('late\n', null)]
  const read = () => Promise.resolve(pages.shift() ?? pageOf('too far', null))
  expect(await new Response(streamOf(contextOf([]), encoder.encode('head\n'), pageOf('', next), read)).text()).toBe('head\nlate\n')
  expect(await new Response(streamOf(contextOf([]), none, pageOf('', null), read)).text()).toBe('')
})

const at = (ms: number): Position => ({ ms, ns: 0, shard: 0, seq: ms + 1 })
const line = (ms: number) => `${ms}\n`

test.each<[Order, number[]]>([
  ['oldest', [1, 2, 3, 4, 5, 6]],
  ['newest', [6, 5, 4, 3, 2, 1]],
])('a page has hot and sealed rows in order, up to its frontier: %s', (order, all) => {
  const hot = all.filter((ms) => ms % 2 === 0).map((ms) => ({ position: at(ms), line: line(ms) }))
  const sealed = all.filter((ms) => ms % 2 === 1)
  const page = createTextPage(hot, order)
  for (const ms of sealed) page.add(at(ms), line(ms))
  const whole = page.finish(null)
  expect(decoder.decode(whole.bytes)).toBe(all.map(line).join(''))
  expect(whole.frontier).toBeNull()

  const cut = createTextPage(hot, order)
  for (const ms of sealed.slice(0, 2)) cut.add(at(ms), line(ms))
  const end = at(all[3]!)
  expect(cut.finish(end).frontier).toEqual(end)
  expect(decoder.decode(cut.finish(end).bytes)).toBe(all.slice(0, 4).map(line).join(''))
})

test('a page that is full ends with its last row', () => {
  const page = createTextPage([{ position: at(5000), line: 'hot\n' }], 'oldest')
  const long = `${'x'.repeat(10_000)}\n`
  let ms = 0
  while (!page.isFull()) page.add(at(ms++), long)
  page.add(at(ms), long)
  const { bytes, frontier } = page.finish(null)
  expect(bytes.length).toBeGreaterThanOrEqual(exportPageBytes)
  expect(bytes.length).toBeLessThan(exportPageBytes + 200_000)
  expect(frontier).toEqual(at(bytes.length / long.length - 1))
})
