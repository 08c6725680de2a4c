import { expect, test } from 'vitest'
import type { TenantCtx } from '../../../src/db/context.ts'
import type { PageState } from '../../../src/search/cursor.ts'
import { streamOf } from '../../../src/search/export.ts'

const next: PageState = { after: { ms: 0, ns: 0, shard: 0, seq: 0 }, range: { fromMs: 0, toMs: 1 }, snapshot: new Map() }
const decoder = new TextDecoder()

function contextOf(errors: unknown[]): Pick<TenantCtx, 'log'> {
  return { log: { add: () => {}, warn: () => {}, error: (_, error) => void errors.push(error) } }
}

test('a page is sent before the next is read, also when that then fails', async () => {
  const errors: unknown[] = []
  let reads = 0
  const reader = streamOf(contextOf(errors), { text: 'page 1\n', next }, () => {
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
  const pages = [
    { text: '', next },
    { text: 'late\n', next: null },
  ]
  const read = () => Promise.resolve(pages.shift() ?? { text: 'too far', next: null })
  expect(await new Response(streamOf(contextOf([]), { text: '', next }, read)).text()).toBe('late\n')
  expect(await new Response(streamOf(contextOf([]), { text: '', next: null }, read)).text()).toBe('')
})
