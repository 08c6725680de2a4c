import { auditEntry } from '../../db/audit.ts'
import type { TenantCtx } from '../../db/context.ts'
import { apiKeys } from '../../db/schema.ts'
import { endTails } from '../tail/end_tails.ts'
import { forgetKey } from './cache.ts'
import { liveKeys, noSuchKey } from './live.ts'

/** The key stops at once in this isolate, and within `apiKeyCacheMs` in all others; its live tails end. */
export async function revokeApiKey(ctx: TenantCtx, id: string): Promise<void> {
  const where = liveKeys(ctx, id)
  const now = ctx.now()
  const [, rows] = await ctx.db.batch([
    auditEntry(ctx, { action: 'api_key.revoke', target: { kind: 'api_key', id } }, apiKeys, where),
    ctx.db
      .update(apiKeys)
      .set({ revokedAt: now, updatedAt: now })
      .where(where)
      .returning({ keyHash: apiKeys.keyHash, previousKeyHash: apiKeys.previousKeyHash }),
  ])
  const row = rows[0]
  if (!row) throw noSuchKey()
  forgetKey(row)
  ctx.waitUntil(endTails(ctx, ctx.tenant.organizationId, { kind: 'api_key', id }))
}
