import { expect, test } from 'vitest'
import { streamParts } from '../../../src/core/stream_parts.ts'

const silent = { error: () => {} }

/** Parts that tell how many of them were asked for, and whether they were told to end. */
function counted(texts: readonly string[], failure?: Error) {
  const seen = { made: 0, ended: false }
  async function* parts(): AsyncGenerator<string, void> {
    try {
      for (const text of texts) {
        seen.made++
        yield await Promise.resolve(text)
      }
      if (failure) throw failure
    } finally {
      seen.ended = true
    }
  }
  return { seen, parts: parts() }
}

test('the first part is made before the stream is there, and each further one when it is asked for', async () => {
  const { seen, parts } = counted(['a', 'b', 'c'])
  const reader = (await streamParts(silent, 'export', parts)).getReader()
  expect(seen.made).toBe(1)
  const texts: string[] = []
  for (const made of [1, 2, 3]) {
    texts.push(new TextDecoder().decode((await reader.read()).value))
    expect(seen.made).toBe(made)
  }
  expect(texts).toEqual(['a', 'b', 'c'])
  expect((await reader.read()).done).toBe(true)
})

test('empty parts are passed over, and a stream of nothing else is empty', async () => {
  const textOf = async (texts: string[]) => new Response(await streamParts(silent, 'export', counted(texts).parts)).text()
  expect(await textOf(['', 'head\n', '', '', 'late\n', ''])).toBe('head\nlate\n')
  expect(await textOf(['', ''])).toBe('')
  expect(await textOf([])).toBe('')
})

test('what fails at once fails before there is a stream', async () => {
  await expect(streamParts(silent, 'export', counted([], new Error('gone')).parts)).rejects.toThrow('gone')
})

test('what fails later breaks the stream off after all parts before it, and is logged', async () => {
  const errors: unknown[][] = []
  const log = { error: (...said: unknown[]) => void errors.push(said) }
  const reader = (await streamParts(log, 'export of logs', counted(['a'], new Error('gone')).parts)).getReader()
  expect(new TextDecoder().decode((await reader.read()).value)).toBe('a')
  await expect(reader.read()).rejects.toThrow('gone')
  expect(errors).toEqual([['export of logs broke off', new Error('gone')]])
})

test('a receiver who goes ends the making of parts', async () => {
  const { seen, parts } = counted(['a', 'b'])
  const reader = (await streamParts(silent, 'export', parts)).getReader()
  await reader.read()
  await reader.cancel()
  expect(seen).toEqual({ made: 1, ended: true })
})
