import { and, asc, eq, isNull, sql } from 'drizzle-orm'
import { deletedKeptMs, ownersToldMax } from '../../core/limits.ts'
import { auditEntry } from '../../db/audit.ts'
import type { TenantCtx } from '../../db/context.ts'
import { moveDefaults } from '../../db/default_organization.ts'
import { newMail, queueMails } from '../../db/mails.ts'
import { memberships, organizations, users } from '../../db/schema.ts'
import { inTenant } from '../../db/tenant.ts'
import { forgetKeysOf } from '../api-keys/cache.ts'
import { endTails } from '../tail/end_tails.ts'
import { noSuchOrganization } from './json.ts'
import { liveOrganization } from './live.ts'

/**
 * Hides the organization for `deletedKeptMs`; then the purge removes it (jobs/purge.ts). Access tokens stop with this batch,
 * API keys at once in this isolate and within `apiKeyCacheMs` in all others, live tails behind the answer.
 */
export async function removeOrganization(ctx: TenantCtx): Promise<void> {
  const { organizationId } = ctx.tenant
  const now = ctx.now()
  const live = liveOrganization(ctx)
  const told = await ownersOf(ctx)
  const mails = told.map(({ email, name }) =>
    newMail(
      ctx,
      'organization_deleted',
      { to: email, ownerId: organizationId },
      { thing: 'organization', name, purge_at_ms: now + deletedKeptMs },
      sql`from ${organizations} where ${live}`,
    ),
  )
  const entry = { action: 'organization.delete', target: { kind: 'organization', id: organizationId } }
  const [found] = await ctx.db.batch([
    ctx.db.select({ id: organizations.id }).from(organizations).where(live),
    auditEntry(ctx, entry, organizations, live),
    ...mails.map(({ statement }) => statement),
    moveDefaults(ctx, sql`select ${organizationId}`),
    ctx.db.update(organizations).set({ deletedAt: now, updatedAt: now }).where(live),
  ])
  if (found.length === 0) throw noSuchOrganization()
  forgetKeysOf({ organizationId })
  queueMails(ctx, mails)
  ctx.waitUntil(endTails(ctx, organizationId, { kind: 'organization', id: organizationId }))
}

function ownersOf(ctx: TenantCtx) {
  return ctx.db
    .select({ email: users.email, name: organizations.name })
    .from(memberships)
    .innerJoin(users, and(eq(users.id, memberships.userId), isNull(users.deletedAt)))
    .innerJoin(organizations, eq(organizations.id, memberships.organizationId))
    .where(inTenant(ctx, memberships, eq(memberships.role, 'owner')))
    .orderBy(asc(memberships.createdAt), asc(memberships.userId))
    .limit(ownersToldMax)
}
