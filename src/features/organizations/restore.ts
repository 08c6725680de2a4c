import { and, eq, gt, sql } from 'drizzle-orm'
import { deletedKeptMs, organizationsPerAccountMax } from '../../core/limits.ts'
import { problem } from '../../core/problems.ts'
import { auditEntry } from '../../db/audit.ts'
import type { TenantCtx } from '../../db/context.ts'
import { restoreDefaults } from '../../db/default_organization.ts'
import { organizations } from '../../db/schema.ts'
import { noSuchOrganization, organizationJson, personOf } from './json.ts'
import type { OrganizationJson } from './schema.ts'

/** Brings a deleted organization back with all that it had, as long as the purge keeps away from it. */
export async function restoreOrganization(ctx: TenantCtx): Promise<OrganizationJson> {
  const { organizationId } = ctx.tenant
  const now = ctx.now()
  const own = eq(organizations.id, organizationId)
  const keptSince = now - deletedKeptMs
  const others = sql`(select count(*) from organizations o where o.account_id = ${organizations.accountId} and o.deleted_at is null)`
  const restorable = and(own, gt(organizations.deletedAt, keptSince), sql`${others} < ${organizationsPerAccountMax}`, hasOwner) ?? own
  const entry = { action: 'organization.restore', target: { kind: 'organization', id: organizationId } }
  const [[before], [owned], , rows] = await ctx.db.batch([
    ctx.db.select({ deletedAt: organizations.deletedAt }).from(organizations).where(own),
    ctx.db
      .select({ id: organizations.id })
      .from(organizations)
      .where(sql`${own} and ${hasOwner}`),
    auditEntry(ctx, entry, organizations, restorable),
    ctx.db.update(organizations).set({ deletedAt: null, updatedAt: now }).where(restorable).returning(),
    restoreDefaults(ctx, sql`select ${organizations.id} from ${organizations} where ${own} and ${organizations.deletedAt} is null`),
  ])
  const row = rows[0]
  if (row) return organizationJson(row, personOf(ctx.actor).roles)
  if (before === undefined || (before.deletedAt ?? now) <= keptSince) throw noSuchOrganization()
  if (before.deletedAt === null) throw problem('conflict', 'The organization is not deleted.')
  if (owned === undefined) throw problem('last_owner', 'All owners of the organization are deleted. Restore one of them first.')
  throw problem('conflict', `An account can have at most ${organizationsPerAccountMax} organizations. Delete some first.`)
}

/** An organization is never without an owner who can log in. */
const hasOwner = sql`exists (select 1 from memberships m join users u on u.id = m.user_id and u.deleted_at is null
  where m.organization_id = ${organizations.id} and m.role = 'owner')`
