import { expect, test } from 'vitest'
import { scanOpenBytesMax } from '../../../src/core/limits.ts'
import { parseQuery } from '../../../src/engine/query/parser.ts'
import { createOpenBlocks } from '../../../src/engine/segment/scan_open.ts'

test('a search keeps blocks open up to a number of bytes, and closes the least recently used ones', async () => {
  const openedAnew: string[] = []
  const run = { attempt: async (_: unknown, what: string) => void openedAnew.push(what) }
  const open = createOpenBlocks(run as never, parseQuery(''))
  const places = [0, 1, 2, 3].map((n) => ({ n, segment: {} }) as never)
  for (const place of places) open.keep({ place, block: { release: () => undefined }, memoryBytes: scanOpenBytesMax / 3 } as never)
  await open.get(places[0]!)
  open.trim()
  for (const n of [0, 2, 3]) expect(await open.get(places[n]!)).toBeDefined()
  expect(openedAnew).toEqual([])
  expect(await open.get(places[1]!)).toBeUndefined()
  expect(openedAnew).toEqual(['block 1'])
})
