import { sql } from 'drizzle-orm'
import type * as z from 'zod'
import { problem } from '../../core/problems.ts'
import { auditEntry, changesOf } from '../../db/audit.ts'
import type { TenantCtx } from '../../db/context.ts'
import { apiKeys } from '../../db/schema.ts'
import { endTails } from '../tail/end_tails.ts'
import { forgetKey } from './cache.ts'
import { checkFields } from './check_fields.ts'
import { apiKeyJson } from './json.ts'
import { liveKeys, noSuchKey } from './live.ts'
import type { ApiKeyJson, patchApiKeySchema } from './schema.ts'

/** Changes the named fields: at once in this isolate, and within `apiKeyCacheMs` in all others. */
export async function updateApiKey(ctx: TenantCtx, id: string, change: z.output<typeof patchApiKeySchema>): Promise<ApiKeyJson> {
  const [before] = await ctx.db.select().from(apiKeys).where(liveKeys(ctx, id))
  if (!before) throw noSuchKey()
  const wanted = { ...change, ...(typeof change.expires_at === 'string' && { expires_at: utcTime(change.expires_at) }) }
  const changes = changesOf(apiKeyJson(before), wanted)
  if (Object.keys(changes).length === 0) return apiKeyJson(before)
  const name = change.name ?? before.name
  const scopes = change.scopes ?? before.scopes
  const expiresAt = change.expires_at === undefined ? before.expiresAt : endOf(change.expires_at)
  const rateLimitPerMinute = change.rate_limit_per_minute === undefined ? before.rateLimitPerMinute : change.rate_limit_per_minute
  checkFields(ctx, {
    kind: before.kind,
    scopes: change.scopes,
    ...('expires_at' in changes && { expiresAt }),
    ...('rate_limit_per_minute' in changes && { rateLimitPerMinute }),
  })

  // What was read is what the audit entry calls the state before.
  const unchanged = sql`(${apiKeys.name}, ${apiKeys.scopes}, ${apiKeys.expiresAt}, ${apiKeys.rateLimitPerMinute})
    is (${before.name}, ${JSON.stringify(before.scopes)}, ${before.expiresAt}, ${before.rateLimitPerMinute})`
  const where = sql`${liveKeys(ctx, id)} and ${unchanged}`
  const [, rows] = await ctx.db.batch([
    auditEntry(ctx, { action: 'api_key.update', target: { kind: 'api_key', id }, changes }, apiKeys, where),
    ctx.db.update(apiKeys).set({ name, scopes, expiresAt, rateLimitPerMinute, updatedAt: ctx.now() }).where(where).returning(),
  ])
  const row = rows[0]
  if (!row) throw problem('conflict', 'The key was changed by somebody else meanwhile. Look at it and try again.')
  forgetKey(row)
  // Tails go by the scopes and the end that they began with.
  if ('scopes' in changes || 'expires_at' in changes) ctx.waitUntil(endTails(ctx, ctx.tenant.organizationId, { kind: 'api_key', id }))
  return apiKeyJson(row)
}

function endOf(text: string | null): number | null {
  return text === null ? null : Date.parse(text)
}

function utcTime(text: string): string {
  return new Date(text).toISOString()
}
