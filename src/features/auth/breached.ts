import { createHash } from 'node:crypto'
import { concatBytes } from '../../core/bytes.ts'
import { breachedCheckMs, breachedReplyBytesMax } from '../../core/limits.ts'
import type { BaseCtx } from '../../db/context.ts'

const rangeUrl = 'https://api.pwnedpasswords.com/range/'
const prefixDigits = 5

/** How the range of a prefix is asked for; tests give their own. */
export interface BreachLookup {
  fetch: typeof fetch
  timeoutMs: number
}

const live: BreachLookup = { fetch: (input, init) => fetch(input, init), timeoutMs: breachedCheckMs }

/**
 * Whether Have I Been Pwned knows the password out of a leak, where BREACHED_PASSWORD_CHECK asks for it. The service learns the
 * first five hex digits of the SHA-1 and, as it pads its answers, nobody on the way learns more. False when it does not answer
 * in time or at all: nobody is kept from a password by trouble elsewhere.
 */
export async function isBreached(ctx: Pick<BaseCtx, 'config' | 'log'>, password: string, lookup: BreachLookup = live): Promise<boolean> {
  if (!ctx.config.breachedPasswordCheck) return false
  const digest = createHash('sha1').update(password.normalize('NFKC')).digest('hex').toUpperCase()
  try {
    const range = await readRange(digest.slice(0, prefixDigits), lookup)
    return range.split(/\r?\n/).some((line) => isMatch(line, digest.slice(prefixDigits)))
  } catch (error) {
    ctx.log.warn('password not looked up among the breached ones, and taken', {
      reason: error instanceof Error ? error.message : String(error),
    })
    return false
  }
}

/** A line is a suffix and how often it was seen; what pads the answer was seen 0 times. */
function isMatch(line: string, suffix: string): boolean {
  const [found, count] = line.split(':')
  return found === suffix && Number(count) > 0
}

async function readRange(prefix: string, lookup: BreachLookup): Promise<string> {
  const headers = { 'Add-Padding': 'true', 'User-Agent': 'edgelog' }
  const response = await lookup.fetch(rangeUrl + prefix, { headers, signal: AbortSignal.timeout(lookup.timeoutMs) })
  if (!response.ok || response.body === null) throw new Error(`status ${response.status}`)
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const part of response.body as ReadableStream<Uint8Array>) {
    bytes += part.length
    if (bytes > breachedReplyBytesMax) throw new Error(`more than ${breachedReplyBytesMax} bytes`)
    parts.push(part)
  }
  return new TextDecoder().decode(concatBytes(...parts))
}
