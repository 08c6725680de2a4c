import type { ChannelRow } from './channel.ts'
import type { ChannelJson } from './schema.ts'

/** A channel as the API shows it; `confirmed` are those of its addresses that are written to. */
export function channelJson(row: ChannelRow, confirmed: ReadonlySet<string>, nowMs: number): ChannelJson {
  const { pausedUntil } = row
  const { to, host, url_hint: urlHint, secret_hint: secretHint, previous_secret_ends_ms: previousEndsMs } = row.config
  return {
    id: row.id,
    name: row.name,
    kind: row.kind,
    to: to?.map((email) => ({ email, confirmed: confirmed.has(email) })) ?? null,
    host: host ?? null,
    url_hint: urlHint ?? null,
    secret_hint: secretHint ?? null,
    previous_secret_ends_at: typeof previousEndsMs === 'number' && previousEndsMs > nowMs ? isoTime(previousEndsMs) : null,
    created_by: row.createdBy,
    created_at: isoTime(row.createdAt),
    updated_at: isoTime(row.updatedAt),
    last_attempt_at: row.lastAttemptAt === null ? null : isoTime(row.lastAttemptAt),
    last_error: row.lastError,
    paused_until: pausedUntil !== null && pausedUntil > nowMs ? isoTime(pausedUntil) : null,
  }
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString()
}
