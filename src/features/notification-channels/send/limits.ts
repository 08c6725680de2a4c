import { sql } from 'drizzle-orm'
import { minuteMs } from '../../../core/calendar.ts'
import {
  channelCallsPerHostMax,
  channelCallsPerMinuteMax,
  channelFailingMs,
  channelFailuresMax,
  channelPauseMs,
} from '../../../core/limits.ts'
import { notificationChannels as channels } from '../../../db/schema_alerts.ts'
import type { ChannelRow } from '../channel.ts'

/** Calls of a channel within the last minute. */
export interface Called {
  readonly host: string | null
  readonly calls: number
}

/**
 * How often a channel may be called now: not while it rests, and else what is left of the minute for its host and for its organization,
 * whose calls are given. Consumers at the same time may go beyond it by what they have in hand.
 */
export function roomOf(
  { config, pausedUntil }: Pick<ChannelRow, 'config' | 'pausedUntil'>,
  called: readonly Called[],
  nowMs: number,
): number {
  if ((pausedUntil ?? 0) > nowMs) return 0
  const sum = (of: readonly Called[]) => of.reduce((calls, each) => calls + each.calls, 0)
  const ofHost = called.filter(({ host }) => host === (config.host ?? null))
  return Math.max(0, Math.min(channelCallsPerHostMax - sum(ofHost), channelCallsPerMinuteMax - sum(called)))
}

/** What a call changes of its channel. One that was accepted ends a rest; one too many in a row that was not begins one. */
export function afterCall(error: string | null, nowMs: number) {
  const isSameMinute = sql`${channels.callsFrom} > ${nowMs - minuteMs}`
  const counted = {
    lastAttemptAt: nowMs,
    lastError: error,
    calls: sql`case when ${isSameMinute} then ${channels.calls} + 1 else 1 end`,
    callsFrom: sql`case when ${isSameMinute} then ${channels.callsFrom} else ${nowMs} end`,
  }
  if (error === null) return { ...counted, ...working }
  const since = sql`coalesce(${channels.failingSince}, ${nowMs})`
  const isTooMuch = sql`${channels.failures} + 1 >= ${channelFailuresMax} and ${since} <= ${nowMs - channelFailingMs}`
  return {
    ...counted,
    failures: sql`${channels.failures} + 1`,
    failingSince: since,
    pausedUntil: sql`case when ${isTooMuch} then ${nowMs + channelPauseMs} else ${channels.pausedUntil} end`,
  }
}

/** A channel of which nothing is held against it. */
export const working = { failures: 0, failingSince: null, pausedUntil: null }
