import { createServer } from 'node:http'
import type { IncomingHttpHeaders, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { afterEach, expect, it } from 'vitest'
import { CommandError } from '../../../scripts/dev/terminal.ts'
import { backOffMs, retryAfterMs, sendBatch } from '../../../scripts/ship/send.ts'
import type { SendOptions } from '../../../scripts/ship/send.ts'
import { createSendQueue } from '../../../scripts/ship/send_queue.ts'

interface Seen {
  headers: IncomingHttpHeaders
  body: Buffer
}

let server: Server | undefined
afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

/** A server whose n-th request is answered by the n-th function. */
async function serve(answers: ((response: ServerResponse) => void)[]): Promise<{ url: string; seen: Seen[] }> {
  const seen: Seen[] = []
  server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      seen.push({ headers: request.headers, body: Buffer.concat(parts) })
      answers[seen.length - 1]?.(response)
    })
  })
  const listening = server
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(listening.address() as AddressInfo).port}`, seen }
}

const json =
  (status: number, body: unknown, headers: Record<string, string> = {}) =>
  (response: ServerResponse) => {
    response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(JSON.stringify(body))
  }
const accepted = (count: number) => json(202, { accepted: count, rejected: 0, errors: [] })

function optionsFor(url: string, changed: Partial<SendOptions> = {}): SendOptions {
  return {
    url,
    key: 'elk',
    compress: 'zstd',
    retryForMs: 10_000,
    onRetry: () => undefined,
    signal: new AbortController().signal,
    ...changed,
  }
}

const body = Buffer.from('{"message":"a"}\n{"message":"b"}\n')

it('sends NDJSON, compressed, with the key and an idempotency key', async () => {
  const { url, seen } = await serve([accepted(2), accepted(2)])
  expect(await sendBatch(body, 2, 'k1', optionsFor(url))).toEqual({ accepted: 2, rejected: 0, errors: [] })
  await sendBatch(body, 2, 'k2', optionsFor(url, { compress: 'gzip' }))
  expect(seen[0]?.headers).toMatchObject({
    authorization: 'Bearer elk',
    'content-type': 'application/x-ndjson',
    'content-encoding': 'zstd',
    'idempotency-key': 'k1',
  })
  expect(zstdDecompressSync(seen[0]?.body ?? '').toString()).toBe(body.toString())
  expect(gunzipSync(seen[1]?.body ?? '').toString()).toBe(body.toString())
})

it('repeats a lost, refused or failed attempt unchanged until it is answered', async () => {
  const { url, seen } = await serve([(response) => response.destroy(), json(503, {}), json(429, {}), accepted(2)])
  const reasons: string[] = []
  const result = await sendBatch(body, 2, 'k', optionsFor(url, { onRetry: (reason) => reasons.push(reason) }))
  expect(result.accepted).toBe(2)
  expect(seen.map(({ headers }) => headers['idempotency-key'])).toEqual(['k', 'k', 'k', 'k'])
  expect(new Set(seen.map((request) => request.body.toString('hex'))).size).toBe(1)
  expect(reasons).toHaveLength(3)
})

it('waits as long as Retry-After asks', async () => {
  const { url } = await serve([json(429, {}, { 'Retry-After': '1' }), accepted(2)])
  const waits: number[] = []
  await sendBatch(body, 2, 'k', optionsFor(url, { onRetry: (_, waitMs) => waits.push(waitMs) }))
  expect(waits[0]).toBeGreaterThanOrEqual(1_000)
})

it('counts a batch that the server will never take as rejected, and goes on', async () => {
  const { url } = await serve([json(400, { detail: 'no record' })])
  expect(await sendBatch(body, 2, 'k', optionsFor(url))).toEqual({
    accepted: 0,
    rejected: 2,
    errors: [{ index: 0, reason: '400 no record' }],
  })
})

it('ends at once when the key is refused', async () => {
  const { url, seen } = await serve([json(401, { detail: 'unknown key' })])
  await expect(sendBatch(body, 2, 'k', optionsFor(url))).rejects.toThrow(CommandError)
  expect(seen).toHaveLength(1)
})

it('gives up when the time for retries is over, or the run is ended', async () => {
  const { url } = await serve([json(503, {}), json(503, {})])
  await expect(sendBatch(body, 2, 'k', optionsFor(url, { retryForMs: 0 }))).rejects.toThrow('did not take a batch: 503')
  await expect(sendBatch(body, 2, 'k', optionsFor(url, { signal: AbortSignal.abort() }))).rejects.toThrow(CommandError)
})

it('doubles the wait with half of it up to chance, at most 30 seconds', () => {
  expect([0, 1, 2, 3].map((attempt) => backOffMs(attempt, 0))).toEqual([125, 250, 500, 1_000])
  expect(backOffMs(0, 1)).toBe(250)
  expect(backOffMs(1_000, 1)).toBe(30_000)
})

it('reads Retry-After as seconds or as a date', () => {
  const now = Date.parse('2026-11-22T07:00:00Z')
  expect(retryAfterMs('2', now)).toBe(2_000)
  expect(retryAfterMs('Sun, 22 Nov 2026 07:00:05 GMT', now)).toBe(5_000)
  expect(retryAfterMs('Sun, 22 Nov 2026 06:00:00 GMT', now)).toBe(0)
  expect(retryAfterMs('soon', now)).toBeUndefined()
  expect(retryAfterMs(null, now)).toBeUndefined()
})

it('keeps no more batches under way than allowed, in order, and tells the first failure', async () => {
  const queue = createSendQueue(2)
  const begun: number[] = []
  const gates = Array.from({ length: 4 }, () => Promise.withResolvers<void>())
  const task = (number: number) => () => {
    begun.push(number)
    return gates[number]?.promise ?? Promise.resolve()
  }
  await queue.submit(task(0))
  await queue.submit(task(1))
  const third = queue.submit(task(2))
  await Promise.resolve()
  expect(begun).toEqual([0, 1])
  gates[0]?.resolve()
  await third
  expect(begun).toEqual([0, 1, 2])
  gates[1]?.reject(new Error('second failed'))
  gates[2]?.resolve()
  await expect(queue.drain()).rejects.toThrow('second failed')
  await expect(queue.submit(task(3))).rejects.toThrow('second failed')
})
