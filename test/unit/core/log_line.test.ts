import { afterEach, expect, test, vi } from 'vitest'
import { writeLine } from '../../../src/core/log_line.ts'

afterEach(() => vi.restoreAllMocks())

test('a line is one JSON object with level and message first; errors go where errors are looked for', () => {
  const written: string[] = []
  vi.spyOn(console, 'log').mockImplementation((text: string) => void written.push(`out ${text}`))
  vi.spyOn(console, 'error').mockImplementation((text: string) => void written.push(`err ${text}`))
  writeLine('warning', 'two\nlines', { object: 'live_tail' })
  writeLine('error', 'damaged block', { shard: 3 })
  expect(written).toEqual([
    'out {"level":"warning","message":"two\\nlines","object":"live_tail"}',
    'err {"level":"error","message":"damaged block","shard":3}',
  ])
})
