import { messageOf } from './error_message.ts'

/**
 * Whether an error is the platform's own trouble that may pass, so that the same request can succeed later. Durable Objects
 * mark it with `overloaded` and `retryable`; D1 and R2 only say it in words (developers.cloudflare.com: "D1: debug",
 * "Durable Objects: error handling" and "troubleshooting").
 */
export function isTemporary(error: unknown): boolean {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 4; cause = cause.cause, depth += 1) {
    if ('overloaded' in cause && cause.overloaded === true) return true
    if ('retryable' in cause && cause.retryable === true) return true
    if (temporaryPattern.test(messageOf(cause))) return true
  }
  return false
}

const temporaryPattern =
  /overloaded|network connection lost|object storage did not answer|storage operation exceeded timeout|reset because|D1 DB (is|reset)|cannot resolve D1|too many requests queued|internal error in (D1|Durable Object)|internal error; reference|please (retry|try again|back off)|service unavailable/i
