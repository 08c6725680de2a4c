import { and, asc, eq, gt, gte, isNotNull, isNull, lt, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import type { TaskJob } from '../core/jobs.ts'
import { digestMailsPerBatch, digestOrganizationsMax, digestOrganizationsPerPage } from '../core/limits.ts'
import type { BaseCtx } from '../db/context.ts'
import { sendJobs } from '../db/jobs.ts'
import { ofLiveAccount, ofLiveOrganization } from '../db/live.ts'
import { newMail, queueMails } from '../db/mails.ts'
import { accounts, memberships, organizations, users } from '../db/schema.ts'
import { alertHistory } from '../db/schema_alerts.ts'
import { mails } from '../db/schema_content.ts'
import { usageDays } from '../db/schema_jobs.ts'
import { digestNumbers } from './digest_numbers.ts'
import type { DigestWeek } from './digest_week.ts'
import { digestWeek, isDigestTime } from './digest_week.ts'
import { tenantOf } from './tenant.ts'

type DigestJob = Extract<TaskJob, { kind: 'digest' }>

/**
 * Sends a job for each organization that stored something in the week, or had an alert, and has a member for whom it is Monday,
 * eight o'clock or later, and who has no digest yet: what a run missed, the next one of the day does.
 */
export async function startDigests(ctx: BaseCtx): Promise<void> {
  const week = digestWeek(ctx.now())
  if (week === undefined) return
  const zones = await dueZones(ctx)
  if (zones.length === 0) return
  const isDue = sql`coalesce(${users.timeZone}, 'UTC') in (select value from json_each(${JSON.stringify(zones)}))`
  let after = ''
  for (let sent = 0; sent < digestOrganizationsMax; sent += digestOrganizationsPerPage) {
    const found = await ctx.db
      .selectDistinct({ id: memberships.organizationId })
      .from(memberships)
      .innerJoin(users, eq(users.id, memberships.userId))
      .innerJoin(organizations, ofLiveOrganization(memberships.organizationId))
      .innerJoin(accounts, ofLiveAccount)
      .where(and(gt(memberships.organizationId, after), isDue, wantsDigest(week), hadSomething(week)))
      .orderBy(asc(memberships.organizationId))
      .limit(digestOrganizationsPerPage)
    const jobs = found.map(({ id }) => ({ kind: 'digest', organization_id: id, week: week.fromDay }) as const)
    await sendJobs(ctx, 'task-jobs', jobs)
    after = found.at(-1)?.id ?? after
    if (found.length < digestOrganizationsPerPage) return
  }
}

/** Mails the digest to those members for whom it is time, each once. A job that comes when Monday is over does nothing. */
export async function sendDigest(base: BaseCtx, { organization_id: organizationId, week: fromDay }: DigestJob): Promise<void> {
  const week = digestWeek(base.now())
  if (week?.fromDay !== fromDay) return
  const organization = await tenantOf(base, organizationId)
  if (organization === undefined) return
  const { ctx, name } = organization
  const members = await ctx.db
    .select({ id: users.id, email: users.email, timeZone: users.timeZone })
    .from(memberships)
    .innerJoin(users, eq(users.id, memberships.userId))
    .where(and(eq(memberships.organizationId, organizationId), wantsDigest(week)))
  const due = members.filter(({ timeZone }) => isDigestTime(timeZone, ctx.now()))
  if (due.length === 0) return
  const numbers = await digestNumbers(ctx, week)
  if (numbers === null) return
  const params = { ...numbers, organization_name: name }
  const digests = due.map(({ id, email }) => {
    const onceKey = digestKey.of(organizationId, id, fromDay)
    // Who left meanwhile, or has another address, gets none.
    const stillThere = and(eq(memberships.organizationId, organizationId), eq(users.id, id), eq(users.email, email), wantsDigest(week))
    const source = sql`from ${memberships} join ${users} on ${users.id} = ${memberships.userId} where ${stillThere}`
    return newMail(ctx, 'weekly_digest', { to: email, ownerId: organizationId, onceKey }, params, source)
  })
  for (let i = 0; i < digests.length; i += digestMailsPerBatch) {
    const some = digests.slice(i, i + digestMailsPerBatch)
    const [first, ...others] = some.map(({ statement }) => statement)
    if (first !== undefined) await ctx.db.batch([first, ...others])
    queueMails(ctx, some)
  }
}

/** Time zones of people in which it is time. */
async function dueZones(ctx: BaseCtx): Promise<string[]> {
  const zones = await ctx.db
    .selectDistinct({ zone: sql<string>`coalesce(${users.timeZone}, 'UTC')`.as('zone') })
    .from(users)
    .where(and(isNull(users.deletedAt), isNotNull(users.emailVerifiedAt)))
  return zones.map(({ zone }) => zone).filter((zone) => isDigestTime(zone, ctx.now()))
}

/** What makes a digest the only one of its week for a member: of given ids, and of a row of `memberships` with its `users`. */
const digestKey = {
  of: (organizationId: string, userId: string, fromDay: string) => `digest:${organizationId}:${userId}:${fromDay}`,
  ofRow: (fromDay: string) => sql`'digest:' || ${memberships.organizationId} || ':' || ${users.id} || ':' || ${fromDay}`,
}

/** Whether a member may and wants to have the digest, and has it not yet, as a condition on `users` and `memberships`. */
function wantsDigest({ fromDay }: DigestWeek): SQL | undefined {
  return and(
    isNull(users.deletedAt),
    isNotNull(users.emailVerifiedAt),
    sql`coalesce(json_extract(${users.notificationPreferences}, '$.weekly_digest'), 1) <> 0`,
    sql`not exists (select 1 from ${mails} where ${mails.onceKey} = ${digestKey.ofRow(fromDay)})`,
  )
}

/** Whether the organization stored logs in the week or an alert of it fired, as far as the control plane knows. */
function hadSomething({ fromDay, toDay, fromMs, toMs }: DigestWeek): SQL {
  const own = (table: typeof usageDays | typeof alertHistory) => eq(table.organizationId, memberships.organizationId)
  const stored = and(own(usageDays), gte(usageDays.day, fromDay), lt(usageDays.day, toDay), gt(usageDays.storedRows, 0))
  const fired = and(own(alertHistory), eq(alertHistory.toState, 'firing'), gte(alertHistory.at, fromMs), lt(alertHistory.at, toMs))
  return sql`(exists (select 1 from ${usageDays} where ${stored}) or exists (select 1 from ${alertHistory} where ${fired}))`
}
