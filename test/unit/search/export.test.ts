import { expect, test } from 'vitest'
import type { TenantCtx } from '../../../src/db/context.ts'
import type { Order, Position } from '../../../src/engine/query/types.ts'
import { exportPageBytes } from '../../../src/core/limits.ts'
import type { PageState } from '../../../src/search/cursor.ts'
import type { FilePage } from '../../../src/search/export.ts'
import { partsOf } from '../../../src/search/export.ts'
import { createTextPage } from '../../../src/search/export_page.ts'

const next: PageState = { after: { ms: 0, ns: 0, shard: 0, seq: 0 }, range: { fromMs: 0, toMs: 1 }, snapshot: new Map() }
const none = new Uint8Array(0)
const encoder = new TextEncoder()
const decoder = new TextDecoder()

function pageOf(text: string, following: PageState | null): FilePage {
  return { bytes: encoder.encode(text), rows: 1, next: following, damaged: [] }
}

const context = {} as TenantCtx

test('a page is given before the next is read, and the first is read before the head is given', async () => {
  const reads: (PageState | undefined)[] = []
  const parts = partsOf(context, encoder.encode('head\n'), (state) => {
    reads.push(state)
    return state === undefined ? Promise.resolve(pageOf('page 1\n', next)) : Promise.reject(new Error('gone'))
  })
  expect(decoder.decode((await parts.next()).value ?? none)).toBe('head\n')
  expect(reads).toEqual([undefined])
  expect(decoder.decode((await parts.next()).value ?? none)).toBe('page 1\n')
  expect(reads).toEqual([undefined])
  await expect(parts.next()).rejects.toThrow('gone')
  expect(reads).toEqual([undefined, next])
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
