import { promisify } from 'node:util'
import { gzip, zstdCompress } from 'node:zlib'
import * as z from 'zod'
import { CommandError, reasonOf } from '../dev/terminal.ts'
import type { Compression } from './options.ts'

export interface SendOptions {
  url: string
  key: string
  compress: Compression
  /** How long one batch is tried. */
  retryForMs: number
  /** Told before each wait. */
  onRetry(reason: string, waitMs: number): void
  signal: AbortSignal
}

export interface SendResult {
  accepted: number
  rejected: number
  /** `index` counts records within the batch. */
  errors: { index: number; reason: string }[]
}

const firstWaitMs = 250
const longestWaitMs = 30_000
/** An answer that takes longer is lost; the retry has the same key, so it cannot store twice. */
const answerWithinMs = 60_000

const batchReply = z.object({
  accepted: z.number(),
  rejected: z.number(),
  errors: z.array(z.object({ index: z.number(), reason: z.string() })),
})
const problemReply = z.object({ detail: z.string().optional(), title: z.string().optional() })

type Attempt = { done: SendResult } | { retry: string; afterMs?: number | undefined } | { fatal: CommandError }

/**
 * Sends one batch until it is answered; the same `idempotencyKey` makes every attempt count once. Throws CommandError
 * when the credentials are refused or the time for retries is over.
 */
export async function sendBatch(body: Buffer, records: number, idempotencyKey: string, options: SendOptions): Promise<SendResult> {
  const encoded = await encode(body, options.compress)
  const headers = {
    Authorization: `Bearer ${options.key}`,
    'Content-Type': 'application/x-ndjson',
    'Idempotency-Key': idempotencyKey,
    ...(options.compress !== 'none' && { 'Content-Encoding': options.compress }),
  }
  const deadline = Date.now() + options.retryForMs
  for (let attempt = 0; ; attempt += 1) {
    const outcome = await post(`${options.url}/api/v1/logs`, headers, encoded, records)
    if ('done' in outcome) return outcome.done
    if ('fatal' in outcome) throw outcome.fatal
    const waitMs = Math.max(outcome.afterMs ?? 0, backOffMs(attempt, Math.random()))
    if (Date.now() + waitMs > deadline || options.signal.aborted) {
      throw new CommandError(
        `Edgelog at ${options.url} did not take a batch: ${outcome.retry}`,
        'Start it or check --url, then send the file again.',
      )
    }
    options.onRetry(outcome.retry, waitMs)
    await pause(waitMs, options.signal)
  }
}

/** Doubles with each attempt, with half of it up to chance so that many shippers do not come back at once. */
export function backOffMs(attempt: number, chance: number): number {
  const full = Math.min(longestWaitMs, firstWaitMs * 2 ** attempt)
  return Math.round(full / 2 + (full / 2) * chance)
}

/** Milliseconds that a Retry-After header asks for: seconds, or a date. */
export function retryAfterMs(header: string | null, nowMs: number): number | undefined {
  if (header === null) return undefined
  const seconds = Number(header)
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - nowMs
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined
}

async function encode(body: Buffer, compress: Compression): Promise<Buffer> {
  if (compress === 'none') return body
  return compress === 'zstd' ? promisify(zstdCompress)(body) : promisify(gzip)(body)
}

async function post(url: string, headers: Record<string, string>, body: Buffer, records: number): Promise<Attempt> {
  let response: Response
  let text: string
  try {
    response = await fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(answerWithinMs) })
    text = await response.text()
  } catch (error) {
    return { retry: reasonOf(error) }
  }
  if (response.status === 201) return { done: { accepted: 1, rejected: 0, errors: [] } }
  const reply = batchReply.safeParse(jsonOf(text))
  if (response.status === 202 && reply.success) return { done: reply.data }
  const problem = problemReply.safeParse(jsonOf(text)).data
  const reason = `${response.status} ${problem?.detail ?? problem?.title ?? response.statusText}`
  if (response.status === 408 || response.status === 429 || response.status >= 500) {
    return { retry: reason, afterMs: retryAfterMs(response.headers.get('Retry-After'), Date.now()) }
  }
  if (response.status === 400 || response.status === 413 || response.status === 422) {
    return { done: { accepted: 0, rejected: records, errors: [{ index: 0, reason }] } }
  }
  return { fatal: new CommandError(`Edgelog at ${url} refused: ${reason}`, 'Check --url and --key: the key needs the scope logs:write.') }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal.addEventListener('abort', end)
  })
}
