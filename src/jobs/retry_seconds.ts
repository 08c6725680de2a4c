import { jobRetrySeconds, jobRetrySecondsMax } from '../core/limits.ts'

/** How long a message waits after so many attempts: exponential back-off, less a part that its id decides, so that not all come at once. */
export function retrySeconds(messageId: string, attempts: number): number {
  const wait = Math.min(jobRetrySecondsMax, jobRetrySeconds * 2 ** (attempts - 1))
  let hash = attempts
  for (let i = 0; i < messageId.length; i++) hash = (Math.imul(hash, 31) + messageId.charCodeAt(i)) >>> 0
  return Math.ceil(wait * (1 - (hash % 1000) / 2000))
}
