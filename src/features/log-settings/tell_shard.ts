import { eq, gt, isNull, or, sql } from 'drizzle-orm'
import { keepFromMs } from '../../core/settings.ts'
import { auditStatement } from '../../db/audit.ts'
import type { BaseCtx } from '../../db/context.ts'
import { openLogShard } from '../../db/log_shards.ts'
import { logShards, organizations } from '../../db/schema.ts'
import { inTenant } from '../../db/tenant.ts'

/** What D1 says of a shard, and of the retention of the organization that it is of. */
export interface RetentionShard {
  organizationId: string
  region: string
  number: number
  expiredRows: number
  toldRetentionDays: number | null
  retentionDays: number | null
  /** Of the organization's settings. */
  version: number | null
}

/** The columns of `log_shards` among these. */
export const retentionShardColumns = {
  organizationId: logShards.organizationId,
  region: logShards.region,
  number: logShards.number,
  expiredRows: logShards.expiredRows,
  toldRetentionDays: logShards.toldRetentionDays,
}

/**
 * Tells a shard from when on logs are kept. D1 knows a shorter term before the shard does, and a longer one after it, so that
 * a shard that may still go by a term that is too short is always found. An audit entry says how many rows went.
 */
export async function tellShard(ctx: BaseCtx, shard: RetentionShard): Promise<void> {
  const { organizationId, region, number, expiredRows, toldRetentionDays: told, retentionDays: days, version } = shard
  if (days !== null && (told === null || days < told)) await noteShorter(ctx, shard)
  const { identity, rpc } = openLogShard(ctx, organizationId, { region, number })
  const { removedRows } = await rpc.applyRetention(identity, keepFromMs(shard, ctx.now()), version ?? 0)
  if (removedRows > expiredRows) await auditRemoval(ctx, shard, removedRows)
  if (isTooShort(shard)) await noteLonger(ctx, shard)
}

/** May the shard still go by a term that is shorter than the present one? */
export function isTooShort({ toldRetentionDays: told, retentionDays: days }: RetentionShard): boolean {
  return told !== null && (days === null || told < days)
}

function noteShorter(ctx: BaseCtx, { organizationId, number, retentionDays }: RetentionShard) {
  const isShorter = or(isNull(logShards.toldRetentionDays), gt(logShards.toldRetentionDays, retentionDays ?? Infinity))
  const where = inTenant({ tenant: { organizationId } }, logShards, eq(logShards.number, number), isShorter)
  return ctx.db.update(logShards).set({ toldRetentionDays: retentionDays }).where(where)
}

/** Only if the settings are still those that the shard was told: it may have been told a shorter term since. */
function noteLonger(ctx: BaseCtx, { organizationId, number, retentionDays, version }: RetentionShard) {
  const { id, settingsVersion } = organizations
  const isCurrent = sql`(select ${settingsVersion} from ${organizations} where ${id} = ${organizationId}) is ${version}`
  const where = inTenant({ tenant: { organizationId } }, logShards, eq(logShards.number, number), isCurrent)
  return ctx.db.update(logShards).set({ toldRetentionDays: retentionDays }).where(where)
}

/** One entry for the rows that went since the last one; the stored count keeps a repeat from telling them again. */
async function auditRemoval(ctx: BaseCtx, { organizationId, number, expiredRows, retentionDays }: RetentionShard, removedRows: number) {
  const untold = inTenant({ tenant: { organizationId } }, logShards, eq(logShards.number, number), eq(logShards.expiredRows, expiredRows))
  const origin = { organizationId, actor: { kind: 'system', id: null } } as const
  const entry = {
    action: 'logs.expire',
    target: { kind: 'log_shard', id: String(number) },
    details: { rows: removedRows - expiredRows, retention_days: retentionDays },
  }
  await ctx.db.batch([
    auditStatement(ctx, origin, entry, sql`from ${logShards} where ${untold}`),
    ctx.db.update(logShards).set({ expiredRows: removedRows }).where(untold),
  ])
}
