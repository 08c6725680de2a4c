import { and, eq, gt, isNull, lte, or } from 'drizzle-orm'
import { lastUsedStepMs } from '../../core/limits.ts'
import { problem } from '../../core/problems.ts'
import type { BaseCtx, VerifiedApiKey } from '../../db/context.ts'
import { logSettingsColumns, logSettingsOf } from '../../db/log_settings.ts'
import { accounts, apiKeys, organizations } from '../../db/schema.ts'
import { inTenant } from '../../db/tenant.ts'
import { cachedKey, rememberKey, revocationMark } from './cache.ts'
import type { CachedKey } from './cache.ts'
import { hashApiKey, isWellFormedKey } from './key.ts'

/**
 * What an API key proves; throws 401. A malformed key costs nothing, a known one is remembered for a minute;
 * `beforeLookup` may throw to keep the question from D1.
 */
export async function verifyApiKey(ctx: BaseCtx, text: string, beforeLookup: () => void): Promise<VerifiedApiKey> {
  if (!isWellFormedKey(text)) throw problem('invalid_api_key', 'This is no API key: its form or its checksum is wrong.')
  const keyHash = hashApiKey(text)
  const now = ctx.now()
  let key = cachedKey(keyHash, now)
  if (key === undefined) {
    beforeLookup()
    const mark = revocationMark()
    key = await loadKey(ctx, keyHash)
    rememberKey(keyHash, key, now, mark)
  }
  if (!key) throw problem('invalid_api_key', 'The API key is unknown or revoked.')
  if (key.expiresAt !== null && key.expiresAt <= now) throw problem('invalid_api_key', 'The API key has expired.')
  noteUse(ctx, key, now)
  return { keyId: key.keyId, scopes: key.scopes, tenant: key.tenant, ratePerMinute: key.ratePerMinute }
}

/** The only query without a tenant: the key is what tells the tenant. */
async function loadKey(ctx: BaseCtx, keyHash: string): Promise<CachedKey | null> {
  const isPrevious = and(eq(apiKeys.previousKeyHash, keyHash), gt(apiKeys.previousEndsAt, ctx.now()))
  const [row] = await ctx.db
    .select({ key: apiKeys, accountId: accounts.id, settings: logSettingsColumns })
    .from(apiKeys)
    .innerJoin(organizations, and(eq(organizations.id, apiKeys.organizationId), isNull(organizations.deletedAt)))
    .innerJoin(accounts, and(eq(accounts.id, organizations.accountId), isNull(accounts.deletedAt)))
    .where(and(or(eq(apiKeys.keyHash, keyHash), isPrevious), isNull(apiKeys.revokedAt)))
  if (!row) return null
  const { id, scopes, organizationId, lastUsedAt, rateLimitPerMinute: ratePerMinute } = row.key
  const tenant = { organizationId, accountId: row.accountId, logSettings: logSettingsOf(row.settings) }
  return { keyId: id, scopes, tenant, expiresAt: endOf(row.key, keyHash), lastUsedAt, ratePerMinute }
}

/** When the shown value ends: with the key, and one from before a rotation with its grace. */
function endOf({ keyHash, expiresAt, previousEndsAt }: typeof apiKeys.$inferSelect, shown: string): number | null {
  return shown === keyHash ? expiresAt : Math.min(expiresAt ?? Infinity, previousEndsAt ?? 0)
}

/** Written behind the answer, at most once an hour; the condition keeps isolates from writing the same hour twice. */
function noteUse(ctx: BaseCtx, key: CachedKey, now: number): void {
  const before = now - lastUsedStepMs
  if (key.lastUsedAt !== null && key.lastUsedAt > before) return
  key.lastUsedAt = now
  const stale = or(isNull(apiKeys.lastUsedAt), lte(apiKeys.lastUsedAt, before))
  const write = ctx.db
    .update(apiKeys)
    .set({ lastUsedAt: now })
    .where(inTenant(key, apiKeys, eq(apiKeys.id, key.keyId), stale))
  ctx.waitUntil(write.run())
}
