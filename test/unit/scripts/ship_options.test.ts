import { expect, it } from 'vitest'
import { parseOptions, sourceOfFile } from '../../../scripts/ship/options.ts'

const target = ['--url', 'http://127.0.0.1:1/', '--key', 'elk']

it('takes the target from the command line, without a slash at its end', () => {
  expect(parseOptions([...target, 'a.log'])).toMatchObject({
    url: 'http://127.0.0.1:1',
    key: 'elk',
    files: ['a.log'],
    multiline: true,
    compress: 'zstd',
  })
})

it.each([
  [[], 'No file was given'],
  [['-', '-'], 'can be given once'],
  [['--multiline', 'maybe', 'a'], '--multiline must be on or off'],
  [['--compress', 'rar', 'a'], '--compress must be one of'],
  [['--concurrency', '0', 'a'], '--concurrency must be a whole number'],
  [['--concurrency', '1e1', 'a'], '--concurrency must be a whole number'],
  [['--nonsense', 'a'], 'nonsense'],
  [['--url', 'ftp://x', 'a'], 'no http or https address'],
])('refuses %j', (args, reason) => {
  expect(() => parseOptions([...target, ...args])).toThrow(reason)
})

it('does not send the development key to another address', () => {
  expect(() => parseOptions(['--url', 'https://logs.example.com', 'a.log'])).toThrow('There is no API key for https://logs.example.com')
})

it.each([
  ['/var/log/nginx/access.log.1.gz', 'access'],
  ['node-worker.log.zst', 'node-worker'],
  ['syslog', 'syslog'],
  ['nginx-access.json.log', 'nginx-access'],
  ['-', 'stdin'],
])('names the source of %s %s', (file, source) => {
  expect(sourceOfFile(file)).toBe(source)
})
