import { eq, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import { silenceMsMax, silencesPerOrganizationMax } from '../../core/limits.ts'
import { invalidField, problem } from '../../core/problems.ts'
import { isoOf, isoOrNull } from '../../core/time.ts'
import type { TenantCtx } from '../../db/context.ts'
import { silences } from '../../db/schema_alerts.ts'
import { inTenant } from '../../db/tenant.ts'
import { isLive } from './active.ts'
import type { SilenceRow } from './active.ts'
import { phaseAt } from './recurrence.ts'
import type { SilenceTimes } from './recurrence.ts'
import type { SilenceJson } from './schema.ts'

export function ownSilences(ctx: TenantCtx, ...conditions: (SQL | undefined)[]): SQL {
  return inTenant(ctx, silences, ...conditions)
}

/** Throws 404 for what is no silence of this organization. */
export async function findSilence(ctx: TenantCtx, id: string): Promise<SilenceRow> {
  const [row] = await ctx.db
    .select()
    .from(silences)
    .where(ownSilences(ctx, eq(silences.id, id)))
  if (!row) throw problem('not_found', 'There is no such silence.')
  return row
}

/** Condition: the organization may have one more that is not over. */
export function hasRoom(ctx: TenantCtx, nowMs: number): SQL {
  return sql`(select count(*) from ${silences} where ${ownSilences(ctx, isLive(nowMs))}) < ${silencesPerOrganizationMax}`
}

export function noRoom() {
  return problem(
    'conflict',
    `An organization can have at most ${silencesPerOrganizationMax} silences that are not over. Delete some first.`,
  )
}

/** Throws 400 for times at which it could never hold, or for longer than there is a reason to. */
export function requireGoodTimes({ startsAt, endsAt, recurrence }: SilenceTimes, nowMs: number): void {
  if (startsAt > nowMs + silenceMsMax) throw invalidField('starts_at', 'must be within a year')
  if (endsAt === null) {
    if (recurrence === null) throw invalidField('ends_at', 'is needed without a recurrence')
    return
  }
  if (endsAt <= startsAt) throw invalidField('ends_at', 'must be after the start')
  if (recurrence === null && endsAt - startsAt > silenceMsMax) throw invalidField('ends_at', 'must be at most a year after the start')
}

/** As the API shows it at this moment. */
export function silenceJson(row: SilenceRow, nowMs: number): SilenceJson {
  const { id, ruleId, comment, startsAt, endsAt, recurrence, createdBy, createdAt, updatedAt } = row
  const phase = phaseAt({ startsAt, endsAt, recurrence }, nowMs)
  return {
    id,
    rule_id: ruleId,
    comment,
    starts_at: isoOf(startsAt),
    ends_at: isoOrNull(endsAt),
    recurrence,
    active: phase.active,
    active_until: phase.active && phase.untilMs !== null ? isoOf(phase.untilMs) : null,
    next_start: !phase.active && phase.nextMs !== null ? isoOf(phase.nextMs) : null,
    created_by: createdBy,
    created_at: isoOf(createdAt),
    updated_at: isoOf(updatedAt),
  }
}

/** What the audit log tells of it. */
export function fieldsOf({ ruleId, comment, startsAt, endsAt, recurrence }: SilenceTimes & Pick<SilenceRow, 'ruleId' | 'comment'>) {
  return { rule_id: ruleId, comment, starts_at: isoOf(startsAt), ends_at: isoOrNull(endsAt), recurrence }
}
