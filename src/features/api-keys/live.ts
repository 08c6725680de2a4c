import { eq, isNull } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import { problem } from '../../core/problems.ts'
import type { TenantCtx } from '../../db/context.ts'
import { apiKeys } from '../../db/schema.ts'
import { inTenant } from '../../db/tenant.ts'

/** Keys of the caller's organization that are not revoked, all or the one with this id. A revoked key is gone for the API. */
export function liveKeys(ctx: TenantCtx, id?: string): SQL {
  return inTenant(ctx, apiKeys, isNull(apiKeys.revokedAt), id === undefined ? undefined : eq(apiKeys.id, id))
}

export function noSuchKey() {
  return problem('not_found', 'There is no such API key.')
}
