import { describe, expect, test } from 'vitest'
import { encodeLogId } from '../../src/core/ids.ts'
import { contextRowsMax } from '../../src/core/limits.ts'
import type { LogJson } from '../../src/engine/log_json.ts'
import { accessRows, row } from '../support/rows.ts'
import { createWorld } from '../support/world.ts'
import { read, readRaw, storeHotAndSealed, storeRows } from './log_store.ts'

interface FieldsBody {
  count: number
  fields: { field: string; types: string[]; count: number }[]
  truncated: boolean
  stats: Record<string, number>
}

interface ContextBody {
  before: LogJson[]
  log: LogJson
  after: LogJson[]
  partial: boolean
}

interface PatternsBody {
  count: number
  interval_ms: number
  patterns: {
    pattern: string
    count: number
    share: number
    severities: Record<string, number>
    first_seen: string
    last_seen: string
    example: { id: string; timestamp: string; message: string }
    counts: number[]
  }[]
  pattern_count: number
  truncated: boolean
  dropped_count: number
  without_message_count: number
  sampled: boolean
  sample_rate: number
}

const rows = accessRows(2000)

describe('GET /logs/fields', () => {
  test('names every attribute with its types and number of logs', async () => {
    const mixed = [
      row({ attributes: { status: 'n/a', 'user.id': 7, level: 'x' } }),
      row({ source: 'rare', attributes: { 'user.id': 8, ['__proto__']: true } }),
    ]
    const world = await storeHotAndSealed(await createWorld(), [...rows.slice(0, 300), ...mixed], rows.slice(300))
    const every = (field: string, type: string) => ({ field, types: [type], count: 2000 })
    const body = await read<FieldsBody>(world, '/fields')
    expect(body).toMatchObject({ count: 2002, truncated: false })
    expect(body.fields).toEqual([
      { field: 'status', types: ['text', 'number'], count: 2001 },
      every('bytes', 'number'),
      every('cached', 'boolean'),
      every('path', 'text'),
      every('request_id', 'text'),
      every('request_time', 'number'),
      { field: 'user.id', types: ['number'], count: 2 },
      { field: '__proto__', types: ['boolean'], count: 1 },
      { field: 'attributes.level', types: ['text'], count: 1 },
    ])
    expect(body.stats).toMatchObject({ blocks_read: 0, bytes_decompressed: 0 })
    const filtered = await read<FieldsBody>(world, '/fields', { q: 'source:rare' })
    expect(filtered.fields.map(({ field, count }) => [field, count])).toEqual([
      ['__proto__', 1],
      ['user.id', 1],
    ])
  })

  test('are those of the range and the query, also of sealed logs', async () => {
    const sparse = Array.from({ length: 200 }, (_, i) =>
      row({ timestampMs: 1_795_331_000_000 + i, attributes: i % 3 === 0 ? { third: i } : { other: i } }),
    )
    const world = await storeHotAndSealed(await createWorld(), [row({ timestampMs: 1_795_331_000_000 })], sparse)
    const body = await read<FieldsBody>(world, '/fields', { q: 'third:<30 OR other:<30' })
    expect(body).toMatchObject({
      count: 30,
      fields: [
        { field: 'other', types: ['number'], count: 20 },
        { field: 'third', types: ['number'], count: 10 },
      ],
    })
    expect(await read<FieldsBody>(world, '/fields', { to: '2026-11-22T00:00:00Z' })).toMatchObject({ count: 0, fields: [] })
  })
})

describe('GET /logs/context', () => {
  test('gives the logs of the same source before and after one, over hot and sealed logs', async () => {
    const sorted = rows.toSorted((a, b) => a.timestampMs - b.timestampMs)
    const world = await storeHotAndSealed(
      await createWorld(),
      sorted.filter((_, i) => i % 2 === 0),
      sorted.filter((_, i) => i % 2 === 1),
    )
    const { results } = await read<{ results: LogJson[] }>(world, '/search', { q: 'source:=web', limit: 500, order: 'oldest' })
    for (const place of [0, 1, 137, 320]) {
      const body = await read<ContextBody>(world, '/context', { id: results[place]!.id, before: 3, after: 5 })
      expect(body.log).toEqual(results[place])
      expect(body.before).toEqual(results.slice(Math.max(0, place - 3), place))
      expect(body.after).toEqual(results.slice(place + 1, place + 6))
      expect(body.partial).toBe(false)
    }
    const { results: last } = await read<{ results: LogJson[] }>(world, '/search', { q: 'source:=web', limit: 3 })
    const body = await read<ContextBody>(world, '/context', { id: last[0]!.id, before: 2 })
    expect([body.before, body.log, body.after]).toEqual([[last[2], last[1]], last[0], []])
  })

  test('keeps the order of logs of one millisecond, and other sources out', async () => {
    const world = await createWorld()
    const at = (timestampNs: number, source = 'a "b"*') => row({ timestampNs, source })
    await storeRows(world, [at(5), at(5), at(1), at(5, 'A "B"*'), at(9), at(5)])
    const body = await read<ContextBody>(world, '/context', { id: encodeLogId(0, 2) })
    const seqs = (logs: readonly LogJson[]) => logs.map(({ id }) => [1, 2, 3, 4, 5, 6].find((seq) => encodeLogId(0, seq) === id))
    expect([seqs(body.before), seqs(body.after)]).toEqual([
      [3, 1],
      [6, 5],
    ])
  })

  test('needs an id of the own organization', async () => {
    const [world, other] = [await createWorld(), await createWorld()]
    await storeRows(other, rows.slice(0, 5))
    await storeRows(world, rows.slice(0, 2))
    expect((await readRaw(world, '/context', { id: encodeLogId(0, 4) })).status).toBe(404)
    expect((await readRaw(world, '/context', { id: 'nonsense' })).status).toBe(404)
    expect((await readRaw(world, '/context')).status).toBe(400)
    expect((await readRaw(world, '/context', { id: encodeLogId(0, 1), before: contextRowsMax + 1 })).status).toBe(400)
  })
})

describe('GET /logs/patterns', () => {
  test('folds messages over hot and sealed logs, with an example of each', async () => {
    const errors = Array.from({ length: 50 }, (_, i) =>
      row({ timestampMs: 1_795_331_100_000 + i, severity: 4, message: `job ${i} of user u${i} failed` }),
    )
    const world = await storeHotAndSealed(
      await createWorld(),
      [...rows.slice(0, 500), ...errors.slice(0, 20)],
      [...rows.slice(500), ...errors.slice(20), row({ message: '' }), row({ message: '' })],
    )
    const body = await read<PatternsBody>(world, '/patterns')
    expect(body).toMatchObject({ count: 2052, pattern_count: 2, truncated: false, dropped_count: 0, without_message_count: 2 })
    expect(body).toMatchObject({ sampled: false, sample_rate: 1 })
    expect(body.patterns.map(({ pattern, count }) => [pattern, count])).toEqual([
      ['GET /api/products/<num> <num>', 2000],
      ['job <num> of user <*> failed', 50],
    ])
    const [, failed] = body.patterns
    expect(failed).toMatchObject({
      share: 50 / 2052,
      severities: { ERROR: 50, INFO: 0 },
      first_seen: '2026-11-22T07:05:00.000Z',
      last_seen: '2026-11-22T07:05:00.049Z',
      example: { timestamp: '2026-11-22T07:05:00.049Z', message: 'job 49 of user u49 failed' },
    })
    expect(failed!.counts.reduce((sum, count) => sum + count, 0)).toBe(50)
    const example = await read<LogJson>(world, `/${failed!.example.id}`)
    expect(example.message).toBe('job 49 of user u49 failed')
    expect(await read<PatternsBody>(world, '/patterns', { q: 'job', limit: 1 })).toMatchObject({ count: 50, pattern_count: 1 })
  })

  test('of no logs are none', async () => {
    const world = await createWorld()
    expect(await read<PatternsBody>(world, '/patterns')).toMatchObject({ count: 0, patterns: [], truncated: false })
  })
})
