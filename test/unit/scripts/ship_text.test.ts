import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { createLineJoiner } from '../../../scripts/ship/join_lines.ts'
import type { JoinedLine } from '../../../scripts/ship/join_lines.ts'
import { createLineSplitter } from '../../../scripts/ship/lines.ts'
import { recordJson } from '../../../scripts/ship/record.ts'

interface Shipped {
  timestamp?: string
  severity?: string
  source?: string
  message?: string
  attributes?: Record<string, unknown>
}

const nowMs = Date.parse('2026-11-22T12:00:00Z')
const options = { source: 'test', sourceGiven: false, nowMs }
const one = (text: string): Shipped => JSON.parse(recordJson(text, options)) as Shipped

/** The text of each record of these lines. */
function joined(text: string, multiline = true): string[] {
  const joiner = createLineJoiner(multiline)
  const records = [...text.split('\n').map((line) => joiner.push(line)), joiner.end()]
  return records.filter((record): record is JoinedLine => record !== undefined).map((record) => record.text)
}

function excerpt(name: string): Shipped[] {
  const bytes = readFileSync(join(import.meta.dirname, '../../corpus/ship', name))
  const splitter = createLineSplitter()
  const joiner = createLineJoiner(true)
  const records: Shipped[] = []
  const take = (record: JoinedLine | undefined) => record && records.push(one(record.text))
  // Odd chunks, so that lines and characters are cut.
  for (let i = 0; i < bytes.length; i += 997) for (const line of splitter.push(bytes.subarray(i, i + 997))) take(joiner.push(line))
  for (const line of splitter.end()) take(joiner.push(line))
  take(joiner.end())
  return records
}

it('joins causes, braces and tables of Node into one record each', () => {
  const records = excerpt('node-worker.log')
  expect(records).toHaveLength(25)
  expect(records.every((record) => record.timestamp?.startsWith('2026-11-22T07:06:1'))).toBe(true)
  expect(records[2]?.severity).toBe('ERROR')
  expect(records[2]?.message).toMatch(/^ERROR \[queue\] job-00001 failed: TypeError.*\n {4}at handle[^]*run_main_module:28:49$/)
  expect(records.some((record) => record.message?.includes('┌─────────┬'))).toBe(true)
})

it('joins chained tracebacks and exception groups of Python into one record each', () => {
  const records = excerpt('python-billing.log')
  expect(records).toHaveLength(49)
  expect(records[0]?.message).toContain('version = 3.11\n\n  (an empty line above)\n\tdone')
  expect(records.filter((record) => record.message?.includes('Exception Group Traceback'))).toHaveLength(1)
  expect(records.filter((record) => record.message?.startsWith('Traceback'))).toEqual([])
  expect(records[0]).toMatchObject({ timestamp: '2026-11-22T07:06:11.649Z', severity: 'WARNING' })
})

it('reads the fields of every line of an access log', () => {
  const records = excerpt('nginx-access.log')
  expect(records).toHaveLength(29)
  expect(records.every((record) => typeof record.attributes?.['status'] === 'number')).toBe(true)
  expect(records.filter((record) => record.attributes?.['user'] === 'alice')).toHaveLength(2)
  expect(records[0]).toEqual({
    timestamp: '2026-11-22T07:04:17.000Z',
    severity: 'INFO',
    source: 'test',
    message: '127.0.0.1 - - [22/Nov/2026:07:04:17 +0000] "GET /robots.txt HTTP/1.1" 200 32 "-" "smoke/XYLOPHONE-7731"',
    attributes: {
      client: '127.0.0.1',
      status: 200,
      bytes: 32,
      method: 'GET',
      path: '/robots.txt',
      protocol: 'HTTP/1.1',
      user_agent: 'smoke/XYLOPHONE-7731',
    },
  })
})

it('keeps every line of dpkg as a record with its time', () => {
  const records = excerpt('dpkg.log')
  expect(records).toHaveLength(12)
  expect(records[0]).toEqual({ timestamp: '2025-06-24T14:36:25.000Z', source: 'test', message: 'startup archives unpack' })
})

it.each([
  ['2026-11-22T07:06:11.782Z hello', '2026-11-22T07:06:11.782Z'],
  ['2026-11-22T07:06:11.782123456Z hello', '2026-11-22T07:06:11.782123456Z'],
  ['2026-11-22 07:06:11,649 hello', '2026-11-22T07:06:11.649Z'],
  ['2026-11-22 08:06:11 +0100 hello', '2026-11-22T07:06:11.000Z'],
  ['2026-11-22 07:06:11 UTC hello', '2026-11-22T07:06:11.000Z'],
  ['[2026-11-22 07:06:11] hello', '2026-11-22T07:06:11.000Z'],
  ['2026/11/22 07:06:11 hello', '2026-11-22T07:06:11.000Z'],
  ['1795331057.123 hello', '2026-11-22T07:04:17.123Z'],
  ['Nov 22 07:06:11 hello', '2026-11-22T07:06:11.000Z'],
  ['Nov  2 07:06:11 hello', '2026-11-02T07:06:11.000Z'],
  ['Dec 31 23:59:59 hello', '2025-12-31T23:59:59.000Z'],
  ['<34>Nov 22 07:06:11 hello', '2026-11-22T07:06:11.000Z'],
  ['<165>1 2026-11-22T07:06:11.003Z hello', '2026-11-22T07:06:11.003Z'],
])('finds the time in front of "%s"', (line, timestamp) => {
  expect(one(line)).toMatchObject({ timestamp, message: 'hello' })
})

it.each([
  '2026-13-40 07:06:11 hello',
  '12345678901234567890 hello',
  'x 2026-11-22T07:06:11Z',
  ' 2026-11-22T07:06:11Z x',
  '2026-11-22T07:06:113 x',
])('finds no time in front of "%s"', (line) => {
  expect(one(line)).toEqual({ source: 'test', message: line })
})

it.each([
  ['ERROR disk full', 'ERROR'],
  ['[warn] slow', 'WARNING'],
  ['main thread <fatal> gone', 'CRITICAL'],
  ['level=debug msg=x', 'DEBUG'],
  ['warning: unused', 'WARNING'],
  ['[16867:MainThread] INFO start', 'INFO'],
  ['<34>Nov 22 07:06:11 host su: failed', 'CRITICAL'],
])('reads the severity of "%s"', (line, severity) => {
  expect(one(line).severity).toBe(severity)
})

it.each(['no error here', 'the info desk', '[12] items', 'errors: none'])('takes no word of prose as a severity: "%s"', (line) => {
  expect(one(line).severity).toBeUndefined()
})

it('joins only what looks like a continuation where records do not begin with a time', () => {
  expect(joined('start\nError: boom\n    at f (a.js:1)\nCaused by: x\n\t... 3 more\nnext\n\nlast')).toEqual([
    'start',
    'Error: boom\n    at f (a.js:1)\nCaused by: x\n\t... 3 more',
    'next',
    'last',
  ])
})

it('does not swallow the lines after one accidental time', () => {
  const lines = ['2026-11-22 07:06:11 once', ...Array.from({ length: 50 }, (_, i) => `line ${i}`)]
  const records = joined(lines.join('\n'))
  expect(records.length).toBeGreaterThan(40)
  expect(records.join('\n').split('\n')).toEqual(lines)
})

it('cuts a record that never ends into pieces that the service takes', () => {
  const lines = ['2026-11-22 07:06:11 dump', ...Array.from({ length: 5_000 }, (_, i) => `  ${'x'.repeat(60)} ${i}`)]
  const records = joined(lines.join('\n'))
  expect(records.join('\n')).toBe(lines.join('\n'))
  expect(Math.max(...records.map((record) => record.length))).toBeLessThan(128 * 1024)
})

it('leaves every line alone with --multiline off', () => {
  expect(joined('2026-11-22 07:06:11 a\n  b\nc', false)).toEqual(['2026-11-22 07:06:11 a', '  b', 'c'])
})

it('sends a JSON object as it is, with a source where it names none', () => {
  const named = '{"level":30,"service":"shop-api","big":12345678901234567890}'
  expect(recordJson(named, options)).toBe(named)
  expect(recordJson('{"a":1.0}', options)).toBe('{"source":"test","a":1.0}')
  expect(recordJson('{}', options)).toBe('{"source":"test"}')
  expect(recordJson('{"host":"h"}', { ...options, sourceGiven: true })).toBe('{"source":"test","host":"h"}')
  expect(recordJson('{"source":"own"}', { ...options, sourceGiven: true })).toBe('{"source":"own"}')
})

it('takes broken JSON and other values as text', () => {
  for (const text of ['{"a":', '[1,2]', '"x"', '{ x }']) expect(one(text)).toEqual({ source: 'test', message: text })
})

it('makes U+FFFD of bytes that are no UTF-8, and keeps characters that two chunks share', () => {
  const splitter = createLineSplitter()
  const bytes = Buffer.concat([Buffer.from('é\r\n'), Buffer.from([0xff, 0xfe, 0x0a]), Buffer.from('end')])
  const lines = [...bytes].flatMap((byte) => splitter.push(Uint8Array.of(byte)))
  expect([...lines, ...splitter.end()]).toEqual(['é', '\uFFFD\uFFFD', 'end'])
})

it('cuts a line without an end into pieces', () => {
  const splitter = createLineSplitter()
  const lines = Array.from({ length: 40 }, () => splitter.push(Buffer.alloc(65_536, 'x'))).flat()
  expect(lines.length).toBe(2)
  expect([...lines, ...splitter.end()].join('')).toHaveLength(40 * 65_536)
})
