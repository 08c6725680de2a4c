import { eq } from 'drizzle-orm'
import { problem } from '../../core/problems.ts'
import { auditEntry } from '../../db/audit.ts'
import { shortChangesOf } from '../../db/audit_fields.ts'
import type { TenantCtx } from '../../db/context.ts'
import { silences } from '../../db/schema_alerts.ts'
import type { SilenceRow } from './active.ts'
import type { UpdateSilence } from './schema.ts'
import { fieldsOf, findSilence, hasRoom, noRoom, ownSilences, requireGoodTimes } from './silence.ts'

/** Changes the times or the comment of a silence. One that is set to end in the past is over; one that was over needs room to come back. */
export async function updateSilence(ctx: TenantCtx, id: string, change: UpdateSilence): Promise<SilenceRow> {
  const now = ctx.now()
  const before = await findSilence(ctx, id)
  if (change.recurrence !== undefined && before.recurrence === null)
    throw problem('conflict', 'A silence that holds once does not come to recur. Make another one.')
  const after = {
    ruleId: before.ruleId,
    comment: change.comment ?? before.comment,
    startsAt: change.starts_at === undefined ? before.startsAt : Date.parse(change.starts_at),
    endsAt: change.ends_at === undefined ? before.endsAt : change.ends_at === null ? null : Date.parse(change.ends_at),
    recurrence: change.recurrence ?? before.recurrence,
  }
  requireGoodTimes(after, now)
  const changes = shortChangesOf(fieldsOf(before), fieldsOf(after))
  if (Object.keys(changes).length === 0) return before
  // What was read is what the audit entry calls the state before; the time rises with each change.
  const revives = isOver(before, now) && !isOver(after, now)
  const asRead = [eq(silences.id, id), eq(silences.updatedAt, before.updatedAt)]
  const where = ownSilences(ctx, ...asRead, revives ? hasRoom(ctx, now) : undefined)
  const { comment, startsAt, endsAt, recurrence } = after
  const [, rows] = await ctx.db.batch([
    auditEntry(ctx, { action: 'silence.update', target: { kind: 'silence', id }, changes }, silences, where),
    ctx.db
      .update(silences)
      .set({ comment, startsAt, endsAt, recurrence, updatedAt: Math.max(now, before.updatedAt + 1) })
      .where(where)
      .returning(),
  ])
  const row = rows[0]
  if (row) return row
  const present = await findSilence(ctx, id)
  if (revives && present.updatedAt === before.updatedAt) throw noRoom()
  throw problem('conflict', 'The silence was changed by somebody else meanwhile. Look at it and try again.')
}

function isOver({ endsAt }: Pick<SilenceRow, 'endsAt'>, nowMs: number): boolean {
  return endsAt !== null && endsAt <= nowMs
}
