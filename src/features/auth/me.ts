import { and, asc, eq, isNull } from 'drizzle-orm'
import type * as z from 'zod'
import { rolePermissions } from '../../core/permissions.ts'
import { problem } from '../../core/problems.ts'
import type { UserCtx } from '../../db/context.ts'
import { accounts, memberships, organizations, users } from '../../db/schema.ts'
import type { meSchema } from './schema.ts'

/** The caller and what the caller may do where. Deleted organizations do not show. */
export async function me(ctx: UserCtx): Promise<z.input<typeof meSchema>> {
  const [found, joined] = await ctx.db.batch([
    ctx.db.select().from(users).where(eq(users.id, ctx.user.id)),
    ctx.db
      .select({ organizationId: organizations.id, name: organizations.name, role: memberships.role })
      .from(memberships)
      .innerJoin(organizations, and(eq(organizations.id, memberships.organizationId), isNull(organizations.deletedAt)))
      .innerJoin(accounts, and(eq(accounts.id, organizations.accountId), isNull(accounts.deletedAt)))
      .where(eq(memberships.userId, ctx.user.id))
      .orderBy(asc(organizations.id)),
  ])
  const user = found[0]
  if (!user) throw problem('invalid_token', 'The user does not exist any more.')
  return {
    id: user.id,
    email: user.email,
    name: user.name,
    created_at: new Date(user.createdAt).toISOString(),
    memberships: joined.map(({ organizationId, name, role }) => ({
      organization_id: organizationId,
      organization_name: name,
      role,
      permissions: [...rolePermissions[role]],
      is_default: organizationId === user.defaultOrganizationId,
    })),
  }
}
