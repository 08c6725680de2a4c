import { and, eq, gt, sql } from 'drizzle-orm'
import { deletedKeptMs, organizationsPerAccountMax } from '../../core/limits.ts'
import type { ActingRole } from '../../core/permissions.ts'
import { problem } from '../../core/problems.ts'
import { auditEntry } from '../../db/audit.ts'
import type { TenantCtx } from '../../db/context.ts'
import { restoreDefaults } from '../../db/default_organization.ts'
import { organizations } from '../../db/schema.ts'
import { giveOwner, hasHeir, hasOwner } from './give_owner.ts'
import { noSuchOrganization, organizationJson, personOf } from './json.ts'
import type { OrganizationJson } from './schema.ts'

/**
 * Brings a deleted organization back with all that it had, as long as the purge keeps away from it. If all its owners are
 * deleted, who manages the account owns it from then on.
 */
export async function restoreOrganization(ctx: TenantCtx): Promise<OrganizationJson> {
  const { organizationId } = ctx.tenant
  const person = personOf(ctx.actor)
  const now = ctx.now()
  const own = eq(organizations.id, organizationId)
  const keptSince = now - deletedKeptMs
  const others = sql`(select count(*) from organizations o where o.account_id = ${organizations.accountId} and o.deleted_at is null)`
  const owned = sql`(${hasOwner} or ${hasHeir(person.userId)})`
  const restorable = and(own, gt(organizations.deletedAt, keptSince), sql`${others} < ${organizationsPerAccountMax}`, owned) ?? own
  const entry = { action: 'organization.restore', target: { kind: 'organization', id: organizationId } }
  const [[before], [some], , rows, , given] = await ctx.db.batch([
    ctx.db.select({ deletedAt: organizations.deletedAt }).from(organizations).where(own),
    ctx.db
      .select({ id: organizations.id })
      .from(organizations)
      .where(sql`${own} and ${owned}`),
    auditEntry(ctx, entry, organizations, restorable),
    ctx.db.update(organizations).set({ deletedAt: null, updatedAt: now }).where(restorable).returning(),
    ...giveOwner(ctx, { kind: 'user', id: person.userId, sessionId: person.sessionId }, sql`${own} and ${organizations.deletedAt} is null`),
    restoreDefaults(ctx, sql`select ${organizations.id} from ${organizations} where ${own} and ${organizations.deletedAt} is null`),
  ])
  const row = rows[0]
  if (row) return organizationJson(row, given.some(({ userId }) => userId === person.userId) ? rolesWithOwner(person.roles) : person.roles)
  if (before === undefined || (before.deletedAt ?? now) <= keptSince) throw noSuchOrganization()
  if (before.deletedAt === null) throw problem('conflict', 'The organization is not deleted.')
  if (some === undefined) throw problem('last_owner', 'All owners of the organization and of its account are deleted. Restore one first.')
  throw problem('conflict', `An account can have at most ${organizationsPerAccountMax} organizations. Delete some first.`)
}

function rolesWithOwner(roles: readonly ActingRole[]): ActingRole[] {
  return ['owner', ...roles.filter((role) => role === 'account_admin' || role === 'staff')]
}
