import { and, eq, isNull, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import type * as z from 'zod'
import { problem } from '../../core/problems.ts'
import type { UserCtx } from '../../db/context.ts'
import { accounts, memberships, organizations, users } from '../../db/schema.ts'
import { writeProfile } from '../users/profile.ts'
import { me } from './me.ts'
import type { meSchema, updateMeSchema } from './profile_schema.ts'

/** Changes the caller's own profile: only the given fields. */
export async function updateMe(ctx: UserCtx, input: z.output<typeof updateMeSchema>): Promise<z.input<typeof meSchema>> {
  const { default_organization_id: organizationId } = input
  const joined = organizationId === undefined ? undefined : isMember(ctx.user.id, organizationId)
  if (joined !== undefined) {
    const [found] = await ctx.db
      .select({ id: users.id })
      .from(users)
      .where(and(eq(users.id, ctx.user.id), joined))
    if (!found) throw problem('not_found', 'There is no such organization.')
  }
  const row = await writeProfile(ctx, eq(users.id, ctx.user.id), input, joined)
  if (!row) throw problem('invalid_token', 'The user does not exist any more.')
  return me(ctx)
}

function isMember(userId: string, organizationId: string): SQL {
  const alive = and(eq(organizations.id, memberships.organizationId), isNull(organizations.deletedAt))
  const paid = and(eq(accounts.id, organizations.accountId), isNull(accounts.deletedAt))
  const own = and(eq(memberships.userId, userId), eq(memberships.organizationId, organizationId))
  return sql`exists (select 1 from ${memberships} join ${organizations} on ${alive} join ${accounts} on ${paid} where ${own})`
}
