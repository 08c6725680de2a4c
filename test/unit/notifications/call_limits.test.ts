import { describe, expect, it } from 'vitest'
import { channelCallsPerHostMax, channelCallsPerMinuteMax } from '../../../src/core/limits.ts'
import { roomOf } from '../../../src/features/notification-channels/send/limits.ts'

const at = 1_800_000_000_000
const channel = { config: { host: 'hooks.example.com' }, pausedUntil: null }

describe('how often a channel may be called', () => {
  it('is what its host and its organization have left of the minute', () => {
    expect(roomOf(channel, [], at)).toBe(channelCallsPerHostMax)
    expect(roomOf(channel, [{ host: 'hooks.example.com', calls: 10 }], at)).toBe(channelCallsPerHostMax - 10)
    expect(roomOf(channel, [{ host: 'other.example.com', calls: 10 }], at)).toBe(channelCallsPerHostMax)
    expect(roomOf(channel, [{ host: 'other.example.com', calls: channelCallsPerMinuteMax - 1 }], at)).toBe(1)
    expect(roomOf(channel, [{ host: 'hooks.example.com', calls: channelCallsPerHostMax + 5 }], at)).toBe(0)
  })

  it('is not at all while it rests', () => {
    expect(roomOf({ ...channel, pausedUntil: at + 1 }, [], at)).toBe(0)
    expect(roomOf({ ...channel, pausedUntil: at }, [], at)).toBe(channelCallsPerHostMax)
  })
})
