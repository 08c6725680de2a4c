import { and, eq, isNull, ne, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import { ownersToldMax } from '../../core/limits.ts'
import { problem } from '../../core/problems.ts'
import { auditEntry } from '../../db/audit.ts'
import type { TenantCtx } from '../../db/context.ts'
import { newMail, queueMails } from '../../db/mails.ts'
import { memberships, organizations, users } from '../../db/schema.ts'
import { inTenant } from '../../db/tenant.ts'
import { endInvitationsBy, rolesNotInvitedBy } from '../invitations/end_by_inviter.ts'
import { noSuchOrganization, organizationJson, personOf } from './json.ts'
import { liveOrganization } from './live.ts'
import type { OrganizationJson } from './schema.ts'

/**
 * Hands ownership to another member. An owner becomes admin and other owners stay; when staff does it, all former owners become
 * admins. One batch, so that the organization has an owner at every moment.
 */
export async function transferOrganization(ctx: TenantCtx, userId: string): Promise<OrganizationJson> {
  const actor = personOf(ctx.actor)
  const isOwner = actor.roles.includes('owner')
  if (isOwner && actor.userId === userId) throw problem('unprocessable', 'You own the organization already. Name another member.')
  const leaving = isOwner ? eq(memberships.userId, actor.userId) : undefined
  const { newOwner, oldOwners, name } = await peopleOf(ctx, userId, leaving)
  const stillSo = stands(ctx, userId, isOwner ? actor.userId : undefined)
  const where = liveOrganization(ctx, stillSo)
  const entry = {
    action: 'organization.transfer',
    target: { kind: 'organization', id: ctx.tenant.organizationId },
    details: { to: userId, from: oldOwners.map((owner) => owner.userId) },
  }
  const mails = [newOwner, ...oldOwners.slice(0, ownersToldMax)].map(({ email }) =>
    newMail(
      ctx,
      'ownership_transferred',
      { to: email, ownerId: ctx.tenant.organizationId },
      { thing: 'organization', name, to: newOwner.email },
      sql`from ${organizations} where ${where}`,
    ),
  )
  const isNewOwner = eq(memberships.userId, userId)
  const [rows] = await ctx.db.batch([
    ctx.db.select().from(organizations).where(where),
    auditEntry(ctx, entry, organizations, where),
    ...mails.map(({ statement }) => statement),
    ...oldOwners.map((owner) =>
      endInvitationsBy(ctx, owner.userId, rolesNotInvitedBy('admin'), inTenant(ctx, memberships, isNewOwner, stillSo)),
    ),
    ctx.db
      .update(memberships)
      .set({ role: 'owner' })
      .where(inTenant(ctx, memberships, isNewOwner, stillSo)),
    ctx.db
      .update(memberships)
      .set({ role: 'admin' })
      .where(inTenant(ctx, memberships, ne(memberships.userId, userId), eq(memberships.role, 'owner'), leaving, stillSo)),
  ])
  const row = rows[0]
  if (!row) throw problem('conflict', 'The organization or its members were changed meanwhile. Look at them and try again.')
  queueMails(ctx, mails)
  const roles = actor.roles.map((role) => (role === 'owner' ? 'admin' : role))
  return organizationJson(row, roles)
}

async function peopleOf(ctx: TenantCtx, userId: string, leaving: SQL | undefined) {
  const people = ctx.db
    .select({ userId: users.id, email: users.email })
    .from(memberships)
    .innerJoin(users, and(eq(users.id, memberships.userId), isNull(users.deletedAt)))
  const [[organization], [newOwner], oldOwners] = await ctx.db.batch([
    ctx.db.select({ name: organizations.name }).from(organizations).where(liveOrganization(ctx)),
    people.where(inTenant(ctx, memberships, eq(memberships.userId, userId))),
    ctx.db
      .select({ userId: users.id, email: users.email })
      .from(memberships)
      .innerJoin(users, eq(users.id, memberships.userId))
      .where(inTenant(ctx, memberships, eq(memberships.role, 'owner'), ne(memberships.userId, userId), leaving)),
  ])
  if (!organization) throw noSuchOrganization()
  if (!newOwner) throw problem('unprocessable', 'The new owner must be a member of the organization.')
  return { name: organization.name, newOwner, oldOwners }
}

/** The new owner is a member, and the old one, where it is not staff who acts, owns it: both as a condition, of each statement. */
function stands({ tenant }: TenantCtx, newOwnerId: string, oldOwnerId: string | undefined): SQL {
  const member = sql`exists (select 1 from memberships m join users u on u.id = m.user_id and u.deleted_at is null
    where m.user_id = ${newOwnerId} and m.organization_id = ${tenant.organizationId})`
  if (oldOwnerId === undefined) return member
  return sql`${member} and exists (select 1 from memberships m
    where m.user_id = ${oldOwnerId} and m.organization_id = ${tenant.organizationId} and m.role = 'owner')`
}
