import { webhookDoubtedMs, webhookTimeoutAgainMs, webhookTimeoutMs } from '../../../core/limits.ts'
import type { ChannelRow } from '../channel.ts'

/** How long a receiver may take. One that failed just now gets less time; after a while it is tried anew whether it only is slow. */
export function timeoutOf({ lastError, lastAttemptAt }: Pick<ChannelRow, 'lastError' | 'lastAttemptAt'>, nowMs: number): number {
  const isDoubted = lastError !== null && (lastAttemptAt ?? 0) > nowMs - webhookDoubtedMs
  return isDoubted ? webhookTimeoutAgainMs : webhookTimeoutMs
}
