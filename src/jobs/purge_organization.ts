import { and, asc, count, eq, inArray, lte, or, sql } from 'drizzle-orm'
import { meterName } from '../core/cost_meter.ts'
import { shardName } from '../core/ids.ts'
import { purgeShardsMax } from '../core/limits.ts'
import { accountAuditStatement } from '../db/audit.ts'
import type { BaseCtx } from '../db/context.ts'
import { moveDefaults } from '../db/default_organization.ts'
import { tablesOfOrganization } from '../db/purge_tables.ts'
import { accounts, apiKeys, logShards, organizations, users } from '../db/schema.ts'
import { mails } from '../db/schema_content.ts'
import { inTenant } from '../db/tenant.ts'
import { deleteSome, endOf, purgeBeforeMs, removeMails, removePrefix, sendPurge } from './purge_step.ts'
import type { StepEnd } from './purge_step.ts'

interface DueOrganization {
  id: string
  accountId: string
  name: string
}

/**
 * Removes an organization that was deleted long ago, by itself or with its account, and all that hangs on it: first the shards,
 * which then write nothing any more, then rows, then objects, then the row that says that there was one.
 */
export async function purgeOrganization(ctx: BaseCtx, id: string): Promise<void> {
  const organization = await findDue(ctx, id)
  if (organization === undefined) return
  for (const step of [purgeShards, purgeRows, purgeMails, purgeObjects])
    if ((await step(ctx, id)) === 'more') return sendPurge(ctx, 'organization', id)
  await ctx.env.LIVE_TAIL.getByName(id).purge()
  await finish(ctx, organization)
}

async function findDue(ctx: BaseCtx, id: string): Promise<DueOrganization | undefined> {
  const before = purgeBeforeMs(ctx)
  const [row] = await ctx.db
    .select({ id: organizations.id, accountId: organizations.accountId, name: organizations.name })
    .from(organizations)
    .innerJoin(accounts, eq(accounts.id, organizations.accountId))
    .where(and(eq(organizations.id, id), or(lte(organizations.deletedAt, before), lte(accounts.deletedAt, before))))
  return row
}

/** D1 forgets a shard only once the shard is empty, and the meter with it. */
async function purgeShards(ctx: BaseCtx, organizationId: string): Promise<StepEnd> {
  const own = inTenant({ tenant: { organizationId } }, logShards)
  const shards = await ctx.db
    .select({ region: logShards.region, number: logShards.number })
    .from(logShards)
    .where(own)
    .orderBy(asc(logShards.number))
    .limit(purgeShardsMax)
  for (const { region, number } of shards) {
    const identity = { organizationId, region, shard: number }
    const name = shardName(identity)
    await ctx.env.LOG_SHARD.getByName(name).purge(identity)
    await ctx.env.METER.getByName(meterName).forget(name)
    await ctx.db.delete(logShards).where(and(own, eq(logShards.number, number)))
  }
  return shards.length === purgeShardsMax ? 'more' : 'done'
}

/** Its tasks go with these, so that none writes an object behind `purgeObjects`. */
async function purgeRows(ctx: BaseCtx, organizationId: string): Promise<StepEnd> {
  const tables = tablesOfOrganization.filter((table) => table !== logShards && table !== apiKeys)
  const [, ...deleted] = await ctx.db.batch([
    // Before the memberships, by which the people are found.
    moveDefaults(ctx, sql`select ${organizationId}`),
    deleteSome(ctx, apiKeys, eq(apiKeys.organizationId, organizationId)),
    ...tables.map((table) => deleteSome(ctx, table, eq(table.organizationId, organizationId))),
  ])
  return endOf(deleted)
}

function purgeMails(ctx: BaseCtx, organizationId: string): Promise<StepEnd> {
  return removeMails(ctx, eq(mails.ownerId, organizationId))
}

async function purgeObjects(ctx: BaseCtx, organizationId: string): Promise<StepEnd> {
  const ends = [await removePrefix(ctx, `org/${organizationId}/`), await removePrefix(ctx, `outbox/${organizationId}/`)]
  return ends.includes('more') ? 'more' : 'done'
}

/** The last of a deleted account's organizations lets the account go on. */
async function finish(ctx: BaseCtx, { id, accountId, name }: DueOrganization): Promise<void> {
  const own = eq(organizations.id, id)
  const entry = { action: 'organization.purge', target: { kind: 'organization', id }, details: { name } }
  const [, , gone, [others], [due]] = await ctx.db.batch([
    accountAuditStatement(ctx, { accountId, actor: { kind: 'system', id: null } }, entry, sql`from ${organizations} where ${own}`),
    ctx.db
      .update(users)
      .set({ defaultOrganizationId: sql`null` })
      .where(inArray(users.defaultOrganizationId, [id])),
    ctx.db.delete(organizations).where(own).returning({ id: organizations.id }),
    ctx.db.select({ count: count() }).from(organizations).where(eq(organizations.accountId, accountId)),
    ctx.db
      .select({ id: accounts.id })
      .from(accounts)
      .where(and(eq(accounts.id, accountId), lte(accounts.deletedAt, purgeBeforeMs(ctx)))),
  ])
  if (gone.length > 0 && due !== undefined && others?.count === 0) await sendPurge(ctx, 'account', accountId)
}
