import { gt, sql } from 'drizzle-orm'
import { damagedMax, damageShownMs, textReasonCharsMax } from '../core/limits.ts'
import type { BaseCtx } from './context.ts'
import { damagedSegments } from './schema.ts'

/** Rows of one insert: D1 takes 100 parameters a statement, and a row has four. */
const rowsPerStatement = 25

/** Remembers that these parts of the organization's logs could not be read now. */
export async function recordDamage(
  ctx: BaseCtx,
  organizationId: string,
  damaged: readonly { segment: string; reason: string }[],
): Promise<void> {
  const rows = damaged.slice(0, damagedMax).map(({ segment, reason }) => {
    return { organizationId, segment, reason: reason.slice(0, textReasonCharsMax), seenAt: ctx.now() }
  })
  for (let first = 0; first < rows.length; first += rowsPerStatement) {
    await ctx.db
      .insert(damagedSegments)
      .values(rows.slice(first, first + rowsPerStatement))
      .onConflictDoUpdate({
        target: [damagedSegments.organizationId, damagedSegments.segment],
        set: { seenAt: sql`excluded.seen_at`, reason: sql`excluded.reason` },
      })
  }
}

/** Whether any query of late met damage: what was repaired or has expired is met no more. */
export async function isDamageKnown({ db, now }: Pick<BaseCtx, 'db' | 'now'>): Promise<boolean> {
  const since = now() - damageShownMs
  const rows = await db.select({ seenAt: damagedSegments.seenAt }).from(damagedSegments).where(gt(damagedSegments.seenAt, since)).limit(1)
  return rows.length > 0
}
