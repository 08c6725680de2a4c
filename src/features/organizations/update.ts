import { eq, sql } from 'drizzle-orm'
import type * as z from 'zod'
import { problem } from '../../core/problems.ts'
import { requireRecentPassword } from '../../core/step_up.ts'
import { auditEntry, changesOf } from '../../db/audit.ts'
import type { TenantCtx } from '../../db/context.ts'
import { organizations, sessions } from '../../db/schema.ts'
import { endTails } from '../tail/end_tails.ts'
import { noSuchOrganization, organizationJson, personOf } from './json.ts'
import { liveOrganization } from './live.ts'
import type { OrganizationJson, patchOrganizationSchema } from './schema.ts'

/**
 * Changes the named fields; what weakens the organization takes the password again. Who asks for a second factor must have
 * passed one, so that nobody locks all out, oneself included.
 */
export async function updateOrganization(ctx: TenantCtx, change: z.output<typeof patchOrganizationSchema>): Promise<OrganizationJson> {
  const { sessionId, roles } = personOf(ctx.actor)
  const [[before], [proved]] = await ctx.db.batch([
    ctx.db.select().from(organizations).where(liveOrganization(ctx)),
    ctx.db
      .select({ secondFactorAt: sessions.secondFactorAt, passwordMs: sessions.passwordProvedAt })
      .from(sessions)
      .where(eq(sessions.id, sessionId)),
  ])
  if (!before) throw noSuchOrganization()
  const changes = changesOf(fieldsOf(before), change)
  if (Object.keys(changes).length === 0) return organizationJson(before, roles)
  const begins = change.require_second_factor === true && !before.requireSecondFactor
  if (begins && (proved?.secondFactorAt ?? null) === null)
    throw problem(
      'second_factor_required',
      'Only a session that passed a second factor can require one of everybody: set one up, then log in with it.',
    )
  if (weakens(before, change)) requireRecentPassword(ctx.now(), proved?.passwordMs ?? 0)
  const { name, require_second_factor: requireSecondFactor, audit_days: auditDays } = { ...fieldsOf(before), ...definedOf(change) }
  // What was read is what the audit entry calls the state before.
  const unchanged = sql`(${organizations.name}, ${organizations.requireSecondFactor}, ${organizations.auditDays})
    is (${before.name}, ${before.requireSecondFactor}, ${before.auditDays})`
  const where = liveOrganization(ctx, unchanged)
  const entry = { action: 'organization.update', target: { kind: 'organization', id: before.id }, changes }
  const [, rows] = await ctx.db.batch([
    auditEntry(ctx, entry, organizations, where),
    ctx.db.update(organizations).set({ name, requireSecondFactor, auditDays, updatedAt: ctx.now() }).where(where).returning(),
  ])
  const row = rows[0]
  if (!row) throw problem('conflict', 'The organization was changed by somebody else meanwhile. Look at it and try again.')
  // Tails of sessions without a second factor must end; those with one come back.
  if (begins) ctx.waitUntil(endTails(ctx, row.id, { kind: 'organization', id: row.id }))
  return organizationJson(row, roles)
}

/** Whether it would let others in more easily, or removes entries of the audit log: what somebody with a stolen token would do. */
function weakens(
  before: typeof organizations.$inferSelect,
  { require_second_factor, audit_days }: z.output<typeof patchOrganizationSchema>,
) {
  return (before.requireSecondFactor && require_second_factor === false) || (audit_days !== undefined && audit_days < before.auditDays)
}

function fieldsOf({ name, requireSecondFactor, auditDays }: typeof organizations.$inferSelect) {
  return { name, require_second_factor: requireSecondFactor, audit_days: auditDays }
}

/** Without the fields that are not named. */
function definedOf<T extends object>(change: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>
  }
}
