import { and, eq, gt, sql } from 'drizzle-orm'
import { deletedKeptMs } from '../../core/limits.ts'
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
  const restorable = and(own, gt(organizations.deletedAt, now - deletedKeptMs)) ?? own
  const entry = { action: 'organization.restore', target: { kind: 'organization', id: organizationId } }
  const [[before], , rows] = await ctx.db.batch([
    ctx.db.select({ deletedAt: organizations.deletedAt }).from(organizations).where(own),
    auditEntry(ctx, entry, organizations, restorable),
    ctx.db.update(organizations).set({ deletedAt: null, updatedAt: now }).where(restorable).returning(),
    restoreDefaults(ctx, sql`select ${organizations.id} from ${organizations} where ${own} and ${organizations.deletedAt} is null`),
  ])
  const row = rows[0]
  if (row) return organizationJson(row, personOf(ctx.actor).roles)
  if (before?.deletedAt === null) throw problem('conflict', 'The organization is not deleted.')
  throw noSuchOrganization()
}
