import { eq } from 'drizzle-orm'
import type * as z from 'zod'
import { problem } from '../../core/problems.ts'
import { actorStillMay, requireStill } from '../../db/actor_may.ts'
import { auditEntry } from '../../db/audit.ts'
import type { TenantCtx } from '../../db/context.ts'
import { apiKeys } from '../../db/schema.ts'
import { inTenant } from '../../db/tenant.ts'
import { endTails } from '../tail/end_tails.ts'
import { forgetKey } from './cache.ts'
import { apiKeyJson } from './json.ts'
import { newApiKey } from './key.ts'
import { liveKeys, noSuchKey } from './live.ts'
import type { createdApiKeySchema, rotateApiKeySchema } from './schema.ts'

/**
 * A new value for the same key: id, scopes and limits stay. The value before works until the grace ends, and the one before
 * that no more; where a value was remembered, up to `apiKeyCacheMs` longer than a grace that is shorter than that.
 */
export async function rotateApiKey(
  ctx: TenantCtx,
  id: string,
  { grace_seconds: graceSeconds }: z.output<typeof rotateApiKeySchema>,
): Promise<z.input<typeof createdApiKeySchema>> {
  const [before] = await ctx.db.select().from(apiKeys).where(liveKeys(ctx, id))
  if (!before) throw noSuchKey()
  const now = ctx.now()
  if (before.expiresAt !== null && before.expiresAt <= now)
    throw problem('unprocessable', 'The key has expired: a new value would not work. Move its expires_at first.')
  const { key, keyHash, hint } = newApiKey(before.kind)
  const previous =
    graceSeconds === 0
      ? { previousKeyHash: null, previousEndsAt: null }
      : { previousKeyHash: before.keyHash, previousEndsAt: now + graceSeconds * 1000 }
  // Of rotations at once one wins: the values of the others were shown to nobody.
  const where = inTenant(ctx, apiKeys, liveKeys(ctx, id), eq(apiKeys.keyHash, before.keyHash), actorStillMay(ctx, 'api_keys:write'))
  const entry = {
    action: 'api_key.rotate',
    target: { kind: 'api_key', id },
    details: { grace_seconds: graceSeconds },
    changes: { hint: { before: before.hint, after: hint } },
  }
  const [, rows] = await ctx.db.batch([
    auditEntry(ctx, entry, apiKeys, where),
    ctx.db
      .update(apiKeys)
      .set({ keyHash, hint, ...previous, updatedAt: now })
      .where(where)
      .returning(),
  ])
  const row = rows[0]
  if (!row) {
    await requireStill(ctx, 'api_keys:write')
    throw problem('conflict', 'The key was rotated or revoked by somebody else meanwhile. Look at it and try again.')
  }
  forgetKey(before)
  // What was opened with the old value must not outlive it; who may go on comes back.
  ctx.waitUntil(endTails(ctx, ctx.tenant.organizationId, { kind: 'api_key', id }))
  return { ...apiKeyJson(row), key }
}
