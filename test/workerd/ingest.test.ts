import { brotliCompressSync, constants, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { beforeAll, describe, expect, it } from 'vitest'
import { ingestBodyBytesMax, ingestErrorsMax, ingestRawBytesMax } from '../../src/core/limits.ts'
import { createWorld } from '../support/world.ts'
import type { World } from '../support/world.ts'

interface Log {
  id: string
  timestamp: string
  severity: string
  source: string
  message: string
  attributes: Record<string, unknown>
  created_at: string
  updated_at: string | null
}

let world: World
let key: string
beforeAll(async () => {
  world = await createWorld()
  key = (await world.createKey('ingest')).key
})

const post = (body: BodyInit, headers: Record<string, string> = {}, as = key) =>
  world.call('/api/v1/logs', { as, body, headers: { 'Content-Type': 'application/x-ndjson', ...headers } })
const postJson = (json: unknown, headers: Record<string, string> = {}) => world.call('/api/v1/logs', { as: key, json, headers })

/** Every stored log that matches, oldest first. */
async function stored(q: string): Promise<Log[]> {
  const params = new URLSearchParams({ q, order: 'oldest', limit: '500' })
  const response = await world.call(`/api/v1/logs/search?${params.toString()}`, { as: world.owner.accessToken })
  if (response.status !== 200) throw new Error(await response.text())
  return (await response.json<{ results: Log[] }>()).results
}

const refusal = async (response: Response) => {
  const { code, details } = await response.json<{ code: string; details?: Record<string, string[]> }>()
  return { status: response.status, code, ...(details && { details }) }
}

describe('POST /api/v1/logs', () => {
  it('stores one record and answers it as it is found later', async () => {
    const response = await postJson({
      time: '2026-11-22T07:04:17.193456789Z',
      level: 'error',
      service: 'pay',
      msg: 'one-7f3a',
      n: { big: 1 },
    })
    expect(response.status).toBe(201)
    const log = await response.json<Log>()
    expect(log).toMatchObject({
      timestamp: '2026-11-22T07:04:17.193456789Z',
      severity: 'ERROR',
      source: 'pay',
      message: 'one-7f3a',
      attributes: { 'n.big': 1 },
      updated_at: null,
    })
    expect(await stored('"one-7f3a"')).toEqual([log])
    const found = await world.call(`/api/v1/logs/${log.id}`, { as: world.owner.accessToken })
    expect(await found.json()).toEqual(log)
  })

  it('stores big integers exactly and answers them digit by digit', async () => {
    const response = await postJson('{"message":"big-11","n":12345678901234567890}')
    expect(await response.text()).toContain('"n":12345678901234567890')
  })

  it('stores an array and NDJSON, and counts what it cannot keep', async () => {
    const array = await postJson([{ message: 'arr-1' }, { severity: 'loud' }, 'arr-2', 7])
    expect([array.status, await array.json()]).toEqual([
      202,
      {
        accepted: 2,
        rejected: 2,
        errors: [
          { index: 1, reason: expect.stringContaining('severity') as string },
          { index: 3, reason: 'is no JSON object' },
        ],
      },
    ])
    const lines = await post('{"message":"nd-1"}\r\n\r\nnd-2 plain\n{"timestamp":"x"}\n')
    expect([lines.status, await lines.json()]).toMatchObject([202, { accepted: 2, rejected: 1, errors: [{ index: 2 }] }])
    expect((await stored('"arr" OR "nd"')).map(({ message }) => message).toSorted()).toEqual(['arr-1', 'arr-2', 'nd-1', 'nd-2 plain'])
  })

  it('lists only the first errors but counts all', async () => {
    const bad = '{"severity":"loud"}\n'.repeat(ingestErrorsMax + 50)
    const { accepted, rejected, errors } = await (
      await post(`${bad}ok\n`)
    ).json<{ accepted: number; rejected: number; errors: unknown[] }>()
    expect([accepted, rejected, errors.length]).toEqual([1, ingestErrorsMax + 50, ingestErrorsMax])
  })

  it('refuses a body of which no record can be kept, and says why', async () => {
    expect(await refusal(await postJson({ timestamp: 'never' }))).toEqual({
      status: 400,
      code: 'validation_failed',
      details: { 0: [expect.stringContaining('has a timestamp that is not a time') as string] },
    })
    expect(await refusal(await post('{}\n{"severity":"loud"}'))).toMatchObject({
      status: 400,
      details: { 0: ['has no fields'], 1: [expect.stringContaining('severity') as string] },
    })
  })

  it('keeps the order of a batch and finds each row of thousands', async () => {
    const lines = Array.from({ length: 3000 }, (_, i) =>
      JSON.stringify({ timestamp: 1_795_331_057_000 + i, message: `bulk-9c row ${i}`, i }),
    )
    const response = await post(lines.join('\n'))
    expect(await response.json()).toEqual({ accepted: 3000, rejected: 0, errors: [] })
    const found = await stored('"bulk-9c"')
    expect(found.map(({ attributes }) => attributes['i'])).toEqual(Array.from({ length: 500 }, (_, i) => i))
  })

  it('refuses a batch that makes more blocks than one append takes, and stores nothing of it', async () => {
    const record = (i: number) =>
      JSON.stringify({ message: 'names-3d', ...Object.fromEntries(Array.from({ length: 250 }, (_, j) => [`n${i}_${j}`, 1])) })
    const response = await post(Array.from({ length: 560 }, (_, i) => record(i)).join('\n'))
    expect(await refusal(response)).toEqual({ status: 413, code: 'payload_too_large' })
    expect(await stored('"names-3d"')).toEqual([])
  })

  it('takes only JSON and NDJSON', async () => {
    for (const type of ['text/plain', 'application/octet-stream', 'application/xml', '']) {
      const response = await world.call('/api/v1/logs', { as: key, body: '{"message":"m"}', headers: { 'Content-Type': type } })
      expect(await refusal(response)).toEqual({ status: 415, code: 'unsupported_media_type' })
    }
    expect((await post('m', { 'Content-Type': 'application/ndjson; charset=utf-8' })).status).toBe(202)
  })

  it('needs permission to write logs', async () => {
    const { key: query } = await world.createKey('query')
    expect((await post('m', {}, query)).status).toBe(403)
    expect((await post('m', {}, world.owner.accessToken)).status).toBe(202)
    const viewer = await world.addMember('viewer')
    expect((await post('m', {}, viewer.accessToken)).status).toBe(403)
  })
})

describe('compressed bodies', () => {
  const text = Array.from({ length: 2000 }, (_, i) => JSON.stringify({ message: `zip ${i}`, path: `/a/${i % 7}` })).join('\n')
  const brotli = (body: Buffer) => brotliCompressSync(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } })
  const encoders = { gzip: gzipSync, 'x-gzip': gzipSync, deflate: deflateSync, br: brotli, zstd: zstdCompressSync }

  it.each(Object.entries(encoders))('are read with Content-Encoding %s', async (name, encode) => {
    const response = await post(encode(Buffer.from(text.slice(0, 100_000))), { 'Content-Encoding': name })
    expect([response.status, await response.json()]).toMatchObject([202, { rejected: 0 }])
  })

  it('may be bare deflate data, or gzip in several members', async () => {
    const raw = await post(deflateRawSync(Buffer.from(text)), { 'Content-Encoding': 'deflate' })
    expect(await raw.json()).toMatchObject({ accepted: 2000 })
    const members = Buffer.concat([gzipSync(Buffer.from('a\n')), gzipSync(Buffer.from('b\nc\n'))])
    expect(await (await post(members, { 'Content-Encoding': ' GZIP ' })).json()).toMatchObject({ accepted: 3 })
  })

  it.each(Object.entries(encoders))('of %s that are damaged or cut are refused', async (name, encode) => {
    const good = encode(Buffer.from(text.slice(0, 100_000)))
    const damaged = Buffer.from(good)
    damaged.fill(0x55, good.length >> 1, (good.length >> 1) + 16)
    for (const body of [good.subarray(0, good.length - 20), damaged, Buffer.from('{"message":"plain"}'), Buffer.alloc(0)]) {
      expect(await refusal(await post(body, { 'Content-Encoding': name }))).toMatchObject({ status: 400 })
    }
  })

  it.each(Object.entries(encoders))('of %s that are bombs are refused', async (name, encode) => {
    const zeros = Buffer.alloc(ingestRawBytesMax / 128)
    // A zstd frame of 256 KiB and more cannot be made in this runtime, but frames can be joined, as gzip members can.
    const bomb =
      name === 'zstd'
        ? Buffer.concat(Array.from({ length: 200 }, () => encode(zeros.subarray(0, 200_000))))
        : encode(Buffer.alloc(ingestRawBytesMax + 2 ** 20))
    expect(bomb.length).toBeLessThan(ingestBodyBytesMax)
    expect(await refusal(await post(bomb, { 'Content-Encoding': name }))).toEqual({ status: 413, code: 'payload_too_large' })
  })

  it.each(['compress', 'gzip, gzip', 'gzip,br', 'aws-chunked', '__proto__', 'toString'])(
    'with Content-Encoding %s are refused',
    async (name) => {
      expect(await refusal(await post('m', { 'Content-Encoding': name }))).toEqual({ status: 415, code: 'unsupported_encoding' })
    },
  )

  it('are refused beyond 10 MiB as sent, declared or not', async () => {
    const line = `${'x'.repeat(1023)}\n`
    const large = line.repeat(ingestBodyBytesMax / 1024)
    expect(await (await post(large)).json()).toMatchObject({ accepted: ingestBodyBytesMax / 1024 })
    expect(await refusal(await post(`${large}x`))).toEqual({ status: 413, code: 'payload_too_large' })
    const chunk = new TextEncoder().encode(line.repeat(1024))
    let sent = 0
    const endless = new ReadableStream({
      pull(controller) {
        sent += chunk.length
        controller.enqueue(chunk)
      },
    })
    expect(await refusal(await post(endless))).toEqual({ status: 413, code: 'payload_too_large' })
    expect(sent).toBeLessThan(ingestBodyBytesMax * 1.5)
  })
})
