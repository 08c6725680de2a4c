import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { zstdDecompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { corpusLines } from '../../support/corpus.ts'
import { collect } from './collect.ts'
import type { PlainRow } from './collect.ts'

const folder = process.env['EDGELOG_CORPUS'] ?? fileURLToPath(new URL('../../../../shared/corpus', import.meta.url).href)

/** Rows of a whole corpus file; every line must be kept. */
function rowsOf(lines: Buffer): PlainRow[] {
  // In parts, since the decompressed file may be larger than a request.
  const rows: PlainRow[] = []
  for (let start = 0; start < lines.length;) {
    const end = start + 2 ** 24 >= lines.length ? lines.length : lines.lastIndexOf(0x0a, start + 2 ** 24) + 1
    const part = collect(lines.subarray(start, end), 'ndjson')
    expect(part.errors).toEqual([])
    rows.push(...part.rows)
    start = end
  }
  return rows
}

const count = (rows: PlainRow[], test: (row: PlainRow) => unknown) => rows.filter(test).length
const distinct = (rows: PlainRow[], name: string) =>
  new Set(rows.map(({ attributes }) => attributes[name]).filter((value) => value !== undefined)).size
const sum = (rows: PlainRow[], name: string) => rows.reduce((total, { attributes }) => total + Number(attributes[name]), 0)
const max = (rows: PlainRow[], name: string) => rows.reduce((most, { attributes }) => Math.max(most, Number(attributes[name] ?? 0)), 0)
const times = (rows: PlainRow[]) => {
  const sorted = rows.map(({ timestamp }) => timestamp).toSorted()
  return [sorted[0], sorted.at(-1)]
}
const severities = (rows: PlainRow[]) =>
  ['TRACE', 'DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL'].map((name) => count(rows, ({ severity }) => severity === name))

describe('the excerpt', () => {
  it('of the nginx log becomes rows with all that the lines say', () => {
    const rows = rowsOf(corpusLines('nginx-access'))
    expect([rows.length, count(rows, ({ attributes }) => attributes['status'] === 502), sum(rows, 'body_bytes_sent')]).toEqual([
      2000, 65, 14_656_438,
    ])
    expect(distinct(rows, 'request_id')).toBe(2000)
    expect(times(rows)).toEqual(['2026-11-22T07:05:08.000Z', '2026-11-22T07:05:18.000Z'])
    expect(count(rows, ({ source, attributes }) => source === attributes['host'] && source !== '')).toBe(2000)
  })

  it('of the pino log becomes rows with all that the lines say', () => {
    const rows = rowsOf(corpusLines('pino'))
    expect([rows.length, severities(rows)]).toEqual([2000, [25, 290, 1335, 110, 206, 34]])
    expect(times(rows)).toEqual([1795331183467, 1795331214327].map((ms) => new Date(ms).toISOString()))
    expect(count(rows, ({ message }) => message === 'request completed')).toBe(1209)
    expect(count(rows, ({ attributes }) => attributes['err.type'] === 'PaymentError')).toBe(156)
    expect(new Set(rows.map(({ source }) => source))).toEqual(new Set(['shop-api']))
  })
})

describe.skipIf(!existsSync(folder))('the corpus', () => {
  const file = (name: string) => zstdDecompressSync(readFileSync(`${folder}/${name}.zst`))

  it('agrees with the facts of its nginx log', () => {
    const rows = rowsOf(file('nginx-access.json.log'))
    const status = (test: (value: number) => boolean) => count(rows, ({ attributes }) => test(Number(attributes['status'])))
    expect([rows.length, distinct(rows, 'request_id')]).toEqual([60_282, 60_282])
    expect([status((value) => value === 502), status((value) => value >= 500)]).toEqual([1794, 3759])
    expect([sum(rows, 'body_bytes_sent'), max(rows, 'request_time')]).toEqual([427_806_853, 5.003])
    expect(times(rows)).toEqual(['2026-11-22T07:04:17.000Z', '2026-11-22T07:11:22.000Z'])
    expect(['GET', 'POST', ''].map((name) => count(rows, ({ attributes }) => attributes['request_method'] === name))).toEqual([
      56_057, 3620, 120,
    ])
    expect(count(rows, ({ attributes }) => String(attributes['upstream_response_time']).includes(','))).toBe(368)
    expect(count(rows, ({ attributes }) => Object.values(attributes).some((value) => String(value).includes('\ufffd')))).toBe(18)
  })

  it('agrees with the facts of its pino log', () => {
    const rows = rowsOf(file('pino.json.log'))
    expect([rows.length, severities(rows)]).toEqual([24_003, [331, 3469, 15_849, 1550, 2497, 307]])
    expect(times(rows)).toEqual([1795331057193, 1795331484707].map((ms) => new Date(ms).toISOString()))
    expect([distinct(rows, 'req.id'), max(rows, 'responseTime')]).toEqual([16_150, 1069])
    const having = (test: (names: string[], values: string[]) => boolean) =>
      count(rows, ({ attributes }) => test(Object.keys(attributes), Object.values(attributes).map(String)))
    expect(count(rows, ({ attributes }) => attributes['err.type'] === 'PaymentError')).toBe(1886)
    expect(having((names) => names.includes('err.aggregateErrors'))).toBe(180)
    expect(having((names) => names.some((name) => name.startsWith('err.cause.')))).toBe(211)
    expect(having((_, values) => values.some((value) => value.includes('[REDACTED]')))).toBe(1852)
    expect(['request completed', 'request errored'].map((text) => count(rows, ({ message }) => message === text))).toEqual([14_518, 1431])
  })

  it('agrees with the lines of its text logs', () => {
    const rows = rowsOf(file('nginx-access.log'))
    expect([rows.length, count(rows, ({ message }) => message.includes('ZEBRA-QUARTZ-373'))]).toEqual([60_282, 1])
    expect(rowsOf(file('dpkg.log'))).toHaveLength(5009)
  })
})
