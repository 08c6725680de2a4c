import { eq } from 'drizzle-orm'
import { auditEntry } from '../db/audit.ts'
import type { TenantCtx } from '../db/context.ts'
import { logShards } from '../db/schema.ts'
import { inTenant } from '../db/tenant.ts'

/**
 * Writes the audit entry of a change of one log. Call it before the change: D1 and the shard share no transaction, and
 * an entry for a change that then fails is better than a change that nobody can see.
 */
export async function auditLogChange(
  ctx: TenantCtx,
  action: 'log.replace' | 'log.update' | 'log.delete',
  id: string,
  shard: number,
  details: object,
): Promise<void> {
  const entry = { action, target: { kind: 'log', id }, details: { ...details } }
  // The shard's own row is the one row that makes one entry.
  await auditEntry(ctx, entry, logShards, inTenant(ctx, logShards, eq(logShards.number, shard)))
}
