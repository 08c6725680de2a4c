import { concatBytes } from '../../../core/bytes.ts'
import { webhookReplyBytesMax, webhookReplyCharsShown, webhookTimeoutMs } from '../../../core/limits.ts'
import { targetFault } from '../../../core/target_url.ts'
import type { BaseCtx } from '../../../db/context.ts'
import type { Outcome } from './outcome.ts'

export interface Posted {
  url: string
  headers: Record<string, string>
  body: string
  /** Shortened by tests only. */
  timeoutMs?: number
}

/** Answers that mean: not now. All other 4xx mean: not like this. */
const temporary: ReadonlySet<number> = new Set([408, 425, 429])

/**
 * Sends JSON to an address that a tenant chose, and says what that meant. The address is looked at anew each time; redirects are not
 * followed, since they could lead where the address itself must not. Time and the part of the answer that is read are bounded.
 */
export async function postJson(
  ctx: Pick<BaseCtx, 'config' | 'now'>,
  { url, headers, body, timeoutMs = webhookTimeoutMs }: Posted,
): Promise<Outcome> {
  const fault = targetFault(url, { allowPrivate: ctx.config.webhookPrivateTargets })
  if (fault !== undefined) return { kind: 'refused', error: `The address ${fault}.`, status: null, answer: null }
  const signal = AbortSignal.timeout(timeoutMs)
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { ...headers, 'Content-Type': 'application/json', 'User-Agent': 'Edgelog-Notifications/1' },
      body,
      redirect: 'manual',
      signal,
    })
    return outcomeOf(response, await beginningOf(response), ctx.now())
  } catch (error) {
    const reason = signal.aborted ? `It did not answer within ${timeoutMs / 1000} seconds.` : `It could not be reached: ${reasonOf(error)}.`
    return { kind: 'unreachable', error: reason, status: null, answer: null, retryAfterMs: null }
  }
}

function outcomeOf(response: Response, answer: string, nowMs: number): Outcome {
  const { status } = response
  if (response.ok) return { kind: 'accepted', status, answer }
  if (status >= 500 || temporary.has(status))
    return { kind: 'unreachable', error: `It answered ${status}.`, status, answer, retryAfterMs: retryAfterMs(response.headers, nowMs) }
  const error = status >= 300 && status < 400 ? `It answered ${status}: redirects are not followed.` : `It answered ${status}.`
  return { kind: 'refused', error, status, answer }
}

/** The beginning of the answer as text. What does not come in time is left: the status says what counts. */
async function beginningOf(response: Response): Promise<string> {
  if (response.body === null) return ''
  const parts: Uint8Array[] = []
  let bytes = 0
  try {
    // Leaving the loop cancels the rest.
    for await (const part of response.body as ReadableStream<Uint8Array>) {
      parts.push(part.subarray(0, webhookReplyBytesMax - bytes))
      bytes += part.length
      if (bytes >= webhookReplyBytesMax) break
    }
  } catch {
    // A body that drips or breaks off changes nothing about the status that came before it.
  }
  const text = new TextDecoder().decode(concatBytes(...parts))
  return text
    .replaceAll(/[^\P{C}\n\t]/gu, '\ufffd')
    .slice(0, webhookReplyCharsShown)
    .trim()
    .toWellFormed()
}

/** Seconds or an HTTP date (RFC 9110, 10.2.3); null where it is neither, or past. */
export function retryAfterMs(headers: Headers, nowMs: number): number | null {
  const text = headers.get('Retry-After')?.trim() ?? ''
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs
  return ms > 0 ? ms : null
}

/** Without what the platform says of itself. */
function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : 'unknown'
  return text.startsWith('internal error') ? 'its name is not known, or nothing answers there' : text.replace(/\.$/, '')
}
