import { and, asc, lte, ne } from 'drizzle-orm'
import type { TaskJob } from '../core/jobs.ts'
import { purgeStartsMax } from '../core/limits.ts'
import type { BaseCtx } from '../db/context.ts'
import { nobodyId } from '../db/purge_tables.ts'
import { accounts, organizations, users } from '../db/schema.ts'
import { teams } from '../db/schema_identity.ts'
import { purgeAccount } from './purge_account.ts'
import { purgeOrganization } from './purge_organization.ts'
import { purgeBeforeMs, sendPurge } from './purge_step.ts'
import { purgeTeams } from './purge_teams.ts'
import { purgeUser } from './purge_user.ts'

type PurgeJob = Extract<TaskJob, { kind: 'purge' }>

/**
 * Sets the purge going of what was deleted more than `deletedKeptMs` ago. What an earlier round began and could not end comes
 * again: each step removes what is there and then the thing itself, so that repeats, also at once, do no harm.
 */
export async function startPurge(ctx: BaseCtx): Promise<void> {
  const before = purgeBeforeMs(ctx)
  const [dueOrganizations, dueAccounts, dueUsers, dueTeams] = await ctx.db.batch([
    ctx.db
      .select({ id: organizations.id })
      .from(organizations)
      .where(lte(organizations.deletedAt, before))
      .orderBy(asc(organizations.deletedAt))
      .limit(purgeStartsMax),
    ctx.db
      .select({ id: accounts.id })
      .from(accounts)
      .where(and(lte(accounts.deletedAt, before), ne(accounts.id, nobodyId)))
      .orderBy(asc(accounts.deletedAt))
      .limit(purgeStartsMax),
    ctx.db
      .select({ id: users.id })
      .from(users)
      .where(and(lte(users.deletedAt, before), ne(users.id, nobodyId)))
      .orderBy(asc(users.deletedAt))
      .limit(purgeStartsMax),
    ctx.db.selectDistinct({ id: teams.organizationId }).from(teams).where(lte(teams.deletedAt, before)).limit(purgeStartsMax),
  ])
  for (const { id } of dueOrganizations) await sendPurge(ctx, 'organization', id)
  for (const { id } of dueAccounts) await sendPurge(ctx, 'account', id)
  for (const { id } of dueUsers) await sendPurge(ctx, 'user', id)
  for (const { id } of dueTeams) await sendPurge(ctx, 'teams', id)
}

const purgers: { readonly [K in PurgeJob['thing']]: (ctx: BaseCtx, id: string) => Promise<void> } = {
  organization: purgeOrganization,
  account: purgeAccount,
  user: async (ctx, id) => {
    if ((await purgeUser(ctx, id)) === 'more') await sendPurge(ctx, 'user', id)
  },
  teams: purgeTeams,
}

/** One bounded step of a purge; it sends a message for the next one. What is not due, or gone already, is left alone. */
export async function purge(ctx: BaseCtx, { thing, id }: PurgeJob): Promise<void> {
  await purgers[thing](ctx, id)
}
