import { and, asc, eq, gt, isNotNull, isNull } from 'drizzle-orm'
import type * as z from 'zod'
import { accountPermissions, accountRoleHas, rolePermissions } from '../../core/permissions.ts'
import { notificationsOf } from '../../core/profile.ts'
import { problem } from '../../core/problems.ts'
import type { UserCtx } from '../../db/context.ts'
import { accountMemberships, accounts, memberships, organizations, users } from '../../db/schema.ts'
import { emailChanges, secondFactors } from '../../db/schema_identity.ts'
import { profileOf } from '../users/profile.ts'
import type { meSchema } from './profile_schema.ts'

/** The caller and what the caller may do where. Deleted organizations and accounts do not show. */
export async function me(ctx: UserCtx): Promise<z.input<typeof meSchema>> {
  const { id } = ctx.user
  const [found, factors, changes, managed, joined] = await ctx.db.batch([
    ctx.db.select().from(users).where(eq(users.id, id)),
    ctx.db
      .select({ confirmedAt: secondFactors.confirmedAt })
      .from(secondFactors)
      .where(and(eq(secondFactors.userId, id), isNotNull(secondFactors.confirmedAt))),
    ctx.db
      .select()
      .from(emailChanges)
      .where(and(eq(emailChanges.userId, id), gt(emailChanges.expiresAt, ctx.now()))),
    ctx.db
      .select({ accountId: accounts.id, name: accounts.name, role: accountMemberships.role })
      .from(accountMemberships)
      .innerJoin(accounts, and(eq(accounts.id, accountMemberships.accountId), isNull(accounts.deletedAt)))
      .where(eq(accountMemberships.userId, id))
      .orderBy(asc(accounts.id)),
    ctx.db
      .select({ organizationId: organizations.id, name: organizations.name, role: memberships.role })
      .from(memberships)
      .innerJoin(organizations, and(eq(organizations.id, memberships.organizationId), isNull(organizations.deletedAt)))
      .innerJoin(accounts, and(eq(accounts.id, organizations.accountId), isNull(accounts.deletedAt)))
      .where(eq(memberships.userId, id))
      .orderBy(asc(organizations.id)),
  ])
  const user = found[0]
  if (!user) throw problem('invalid_token', 'The user does not exist any more.')
  return {
    id,
    account_id: user.accountId,
    email: user.email,
    email_verified: user.emailVerifiedAt !== null,
    email_change: changes[0] === undefined ? null : emailChangeJson(changes[0]),
    ...profileOf(user),
    notification_preferences: notificationsOf(user.notificationPreferences),
    default_organization_id: user.defaultOrganizationId,
    is_staff: user.isStaff,
    second_factor: factors.length > 0,
    created_at: new Date(user.createdAt).toISOString(),
    updated_at: new Date(user.updatedAt).toISOString(),
    accounts: managed.map(({ accountId, name, role }) => ({
      account_id: accountId,
      account_name: name,
      role,
      permissions: accountPermissions.filter((permission) => accountRoleHas(role, permission)),
    })),
    memberships: joined.map(({ organizationId, name, role }) => ({
      organization_id: organizationId,
      organization_name: name,
      role,
      permissions: [...rolePermissions[role]],
      is_default: organizationId === user.defaultOrganizationId,
    })),
  }
}

function emailChangeJson({ newEmail, oldConfirmedAt, newConfirmedAt, expiresAt }: typeof emailChanges.$inferSelect) {
  return {
    new_email: newEmail,
    old_confirmed: oldConfirmedAt !== null,
    new_confirmed: newConfirmedAt !== null,
    expires_at: new Date(expiresAt).toISOString(),
  }
}
