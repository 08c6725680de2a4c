import { expect, test, vi } from 'vitest'
import { CommandError, parseFlags, plural, usageError } from '../../../scripts/dev/terminal.ts'

const usage = `Does it.

  npm run do-it -- [options] [FILE...]

  --times N   how often`

const config = { options: { times: { type: 'string', default: '1' } }, allowPositionals: true } as const

test('flags and files of a command line are told apart', () => {
  expect(parseFlags(usage, { ...config, args: ['a.log', '--times', '3'] })).toMatchObject({
    values: { times: '3' },
    positionals: ['a.log'],
  })
  expect(parseFlags(usage, { ...config, args: [] })).toMatchObject({ values: { times: '1' }, positionals: [] })
})

test.each([[['--help']], [['-h']], [['a.log', '--times', '3', '-h']]])('%j prints the options, and nothing is run', (args) => {
  const print = vi.spyOn(console, 'log').mockImplementation(() => undefined)
  expect(parseFlags(usage, { ...config, args })).toBeUndefined()
  expect(print.mock.calls).toEqual([[usage]])
  print.mockRestore()
})

test.each([
  [['--bogus'], "Unknown option '--bogus'."],
  [['--times'], "Option '--times <value>' argument missing"],
  [['--help=3'], "Option '-h, --help' does not take an argument"],
])('%j is refused, with what to do next', (args, reason) => {
  const error = refusal(() => parseFlags(usage, { ...config, args }))
  expect([error.message, error.next]).toEqual([reason, 'Run npm run do-it -- --help to see the options.'])
})

test('a value that is wrong is refused alike', () => {
  expect(usageError(usage, '--times must be a number.')).toMatchObject({
    message: '--times must be a number.',
    next: 'Run npm run do-it -- --help to see the options.',
  })
})

test('a count is said with its noun', () => {
  expect([0, 1, 2, 12_345].map((count) => plural(count, 'shard'))).toEqual(['0 shards', '1 shard', '2 shards', '12,345 shards'])
})

function refusal(work: () => unknown): CommandError {
  try {
    work()
  } catch (error) {
    if (error instanceof CommandError) return error
    throw error
  }
  throw new Error('it was not refused')
}
