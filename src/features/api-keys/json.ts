import type { apiKeys } from '../../db/schema.ts'
import type { ApiKeyJson } from './schema.ts'

/** A stored key as the API shows it; never its hash. */
export function apiKeyJson(row: typeof apiKeys.$inferSelect): ApiKeyJson {
  const { id, name, kind, scopes, hint, createdBy, createdAt, updatedAt, expiresAt, lastUsedAt, rateLimitPerMinute, previousEndsAt } = row
  return {
    id,
    name,
    kind,
    scopes,
    hint,
    created_by: createdBy,
    created_at: isoTime(createdAt),
    updated_at: isoTime(updatedAt),
    expires_at: expiresAt === null ? null : isoTime(expiresAt),
    last_used_at: lastUsedAt === null ? null : isoTime(lastUsedAt),
    rate_limit_per_minute: rateLimitPerMinute,
    previous_ends_at: previousEndsAt === null ? null : isoTime(previousEndsAt),
  }
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString()
}
