import { desc, eq, lte, sql } from 'drizzle-orm'
import { silencesEndedKeptMax, silencesRemovedRows } from '../../core/limits.ts'
import { invalidField, problem } from '../../core/problems.ts'
import { auditEntry, auditOrigin } from '../../db/audit.ts'
import { shortFields } from '../../db/audit_fields.ts'
import type { TenantCtx } from '../../db/context.ts'
import { alertRules, silences } from '../../db/schema_alerts.ts'
import { inTenant } from '../../db/tenant.ts'
import type { SilenceRow } from './active.ts'
import type { CreateSilence, SilenceRule } from './schema.ts'
import { fieldsOf, hasRoom, noRoom, ownSilences, requireGoodTimes } from './silence.ts'

/** A new silence: once, or a maintenance window that comes again. Its rule must be one of the organization. */
export async function createSilence(ctx: TenantCtx, input: CreateSilence): Promise<SilenceRow> {
  const now = ctx.now()
  const { ruleId, ...times } = timesOf(input, now)
  requireGoodTimes(times, now)
  if (times.endsAt !== null && times.endsAt <= now) throw invalidField('ends_at', 'must be in the future')
  const row = await insert(ctx, { ...times, ruleId, comment: input.comment }, now)
  if (row) return row
  await requireRule(ctx, ruleId, () => invalidField('rule_id', 'must be a rule of the organization'))
  throw noRoom()
}

/** Silences one rule from now on; throws 404 for what is no rule of this organization. */
export async function silenceRule(ctx: TenantCtx, ruleId: string, { duration_minutes, until, comment }: SilenceRule): Promise<SilenceRow> {
  const now = ctx.now()
  const endsAt = until === undefined ? now + (duration_minutes ?? 0) * 60_000 : Date.parse(until)
  if (endsAt <= now) throw invalidField('until', 'must be in the future')
  const times = { startsAt: now, endsAt, recurrence: null }
  requireGoodTimes(times, now)
  const row = await insert(ctx, { ...times, ruleId, comment }, now)
  if (row) return row
  await requireRule(ctx, ruleId, () => problem('not_found', 'There is no such rule.'))
  throw noRoom()
}

type NewSilence = Pick<SilenceRow, 'ruleId' | 'comment' | 'startsAt' | 'endsAt'> & { recurrence: CreateSilence['recurrence'] }

function timesOf({ rule_id: ruleId, starts_at: start, ends_at: end, recurrence }: CreateSilence, now: number) {
  return { ruleId, startsAt: start === null ? now : Date.parse(start), endsAt: end === null ? null : Date.parse(end), recurrence }
}

/** Undefined where there is no such rule, or no room. */
async function insert(ctx: TenantCtx, silence: NewSilence, now: number): Promise<SilenceRow | undefined> {
  const { ruleId, comment, startsAt, endsAt, recurrence } = silence
  const id = ctx.newId()
  const { organizationId, actor } = auditOrigin(ctx)
  const entry = { action: 'silence.create', target: { kind: 'silence', id }, details: shortFields(fieldsOf(silence)) }
  const hasRule = sql`exists (select 1 from ${alertRules} where ${inTenant(ctx, alertRules, eq(alertRules.id, ruleId ?? ''))})`
  const surplus = ctx.db
    .select({ id: silences.id })
    .from(silences)
    .where(ownSilences(ctx, lte(silences.endsAt, now)))
    .orderBy(desc(silences.endsAt), desc(silences.id))
    .limit(silencesRemovedRows)
    .offset(silencesEndedKeptMax)
  const [, rows] = await ctx.db.batch([
    ctx.db.delete(silences).where(ownSilences(ctx, sql`${silences.id} in ${surplus}`)),
    // In the order of the table's columns, as drizzle wants it.
    ctx.db
      .insert(silences)
      .select(
        sql`select ${organizationId}, ${id}, ${ruleId}, ${comment}, ${startsAt}, ${endsAt},
          ${recurrence === null ? null : JSON.stringify(recurrence)}, ${actor.id ?? actor.kind}, ${now}, ${now}
          where ${hasRoom(ctx, now)}
          and ${ruleId === null ? sql`true` : hasRule}`,
      )
      .returning(),
    auditEntry(ctx, entry, silences, ownSilences(ctx, eq(silences.id, id))),
  ])
  return rows[0]
}

async function requireRule(ctx: TenantCtx, ruleId: string | null, missing: () => Error): Promise<void> {
  if (ruleId === null) return
  const [found] = await ctx.db
    .select({ id: alertRules.id })
    .from(alertRules)
    .where(inTenant(ctx, alertRules, eq(alertRules.id, ruleId)))
  if (!found) throw missing()
}
