import { and, asc, eq, gte, isNull, lte, max, sum } from 'drizzle-orm'
import type * as z from 'zod'
import { dateOf, dayOf } from '../../core/calendar.ts'
import { usageDaysDefault, usageDaysMax } from '../../core/limits.ts'
import { problem } from '../../core/problems.ts'
import type { AccountCtx } from '../../db/context.ts'
import { organizations } from '../../db/schema.ts'
import { usageDays } from '../../db/schema_jobs.ts'
import type { AccountUsage, accountUsageQuery } from './schema.ts'

const volumes = {
  receivedRows: sum(usageDays.receivedRows).mapWith(Number),
  receivedBytes: sum(usageDays.receivedBytes).mapWith(Number),
  storedRows: sum(usageDays.storedRows).mapWith(Number),
  storedBytes: sum(usageDays.storedBytes).mapWith(Number),
}
type Volumes = Record<keyof typeof volumes, number>

/**
 * What the organizations of the account sent, by day (UTC) and by organization, as the hourly roll-up wrote it down; both bounds
 * included. Organizations that are deleted count no more.
 */
export async function accountUsage(ctx: AccountCtx, query: z.output<typeof accountUsageQuery>): Promise<AccountUsage> {
  const today = dayOf(ctx.now())
  const to = query.to ?? dateOf(today)
  const from = query.from ?? dateOf(dayOf(Date.parse(to)) - usageDaysDefault)
  const days = dayOf(Date.parse(to)) - dayOf(Date.parse(from)) + 1
  if (days < 1 || days > usageDaysMax) {
    const detail = days < 1 ? 'It is later than `to`.' : `A call covers at most ${usageDaysMax} days.`
    throw problem('validation_failed', detail, { details: { from: [detail] } })
  }
  const own = and(eq(organizations.accountId, ctx.account.id), isNull(organizations.deletedAt))
  const ofOrganization = eq(usageDays.organizationId, organizations.id)
  const within = and(own, gte(usageDays.day, from), lte(usageDays.day, to))
  const [byDay, byOrganization] = await ctx.db.batch([
    ctx.db
      .select({ day: usageDays.day, ...volumes, rolledUpAt: max(usageDays.updatedAt) })
      .from(usageDays)
      .innerJoin(organizations, ofOrganization)
      .where(within)
      .groupBy(usageDays.day)
      .orderBy(asc(usageDays.day)),
    ctx.db
      .select({ id: organizations.id, name: organizations.name, ...volumes })
      .from(usageDays)
      .innerJoin(organizations, ofOrganization)
      .where(within)
      .groupBy(organizations.id)
      .orderBy(asc(organizations.id)),
  ])
  const last = Math.max(0, ...byDay.map(({ rolledUpAt }) => rolledUpAt ?? 0))
  return {
    from,
    to,
    rolled_up_at: last === 0 ? null : new Date(last).toISOString(),
    days: byDay.map((row) => ({ day: row.day, ...volumeJson(row) })),
    organizations: byOrganization.map((row) => ({ id: row.id, name: row.name, ...volumeJson(row) })),
  }
}

function volumeJson({ receivedRows, receivedBytes, storedRows, storedBytes }: Volumes) {
  return { received: { rows: receivedRows, bytes: receivedBytes }, stored: { rows: storedRows, bytes: storedBytes } }
}
