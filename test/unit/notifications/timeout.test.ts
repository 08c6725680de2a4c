import { describe, expect, it } from 'vitest'
import { webhookDoubtedMs, webhookTimeoutAgainMs, webhookTimeoutMs } from '../../../src/core/limits.ts'
import { timeoutOf } from '../../../src/features/notification-channels/send/timeout.ts'

describe('the time that a receiver has', () => {
  const at = 1_800_000_000_000

  it('is the whole one for a channel that is new or took its last notice', () => {
    expect(timeoutOf({ lastError: null, lastAttemptAt: null }, at)).toBe(webhookTimeoutMs)
    expect(timeoutOf({ lastError: null, lastAttemptAt: at }, at)).toBe(webhookTimeoutMs)
  })

  it('is short for one that failed just now, and the whole one again after a while', () => {
    const failed = { lastError: 'It did not answer within 10 seconds.', lastAttemptAt: at }
    expect(timeoutOf(failed, at + webhookDoubtedMs - 1)).toBe(webhookTimeoutAgainMs)
    expect(timeoutOf(failed, at + webhookDoubtedMs)).toBe(webhookTimeoutMs)
  })
})
