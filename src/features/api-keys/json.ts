import type { apiKeys } from '../../db/schema.ts'
import type { ApiKeyJson } from './schema.ts'

/** A stored key as the API shows it; never its hash. */
export function apiKeyJson(row: typeof apiKeys.$inferSelect): ApiKeyJson {
  const { id, name, kind, scopes, hint, createdBy, createdAt, updatedAt, expiresAt, lastUsedAt } = row
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
  }
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString()
}
