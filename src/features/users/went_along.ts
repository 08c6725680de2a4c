import { and, eq, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import { accountAuditStatement, auditPerson, auditStatement } from '../../db/audit.ts'
import type { UserCtx } from '../../db/context.ts'
import { accounts, organizations } from '../../db/schema.ts'

/** Organizations and accounts that were deleted along with their only person, at the very same time. */
export interface WentAlong {
  readonly organizationIds: readonly string[]
  readonly accountIds: readonly string[]
}

export async function wentAlongWith(ctx: UserCtx, { id, deletedAt }: { id: string; deletedAt: number | null }): Promise<WentAlong> {
  const [ownOrganizations, ownAccounts] = await ctx.db.batch([
    ctx.db
      .select({ id: organizations.id })
      .from(organizations)
      .where(
        sql`${organizations.deletedAt} = ${deletedAt} and ${organizations.id} in
          (select m.organization_id from memberships m where m.user_id = ${id} and m.role = 'owner')`,
      ),
    ctx.db
      .select({ id: accounts.id })
      .from(accounts)
      .where(
        sql`${accounts.deletedAt} = ${deletedAt} and ${accounts.id} in
          (select m.account_id from account_memberships m where m.user_id = ${id} and m.role = 'owner')`,
      ),
  ])
  return { organizationIds: ownOrganizations.map((row) => row.id), accountIds: ownAccounts.map((row) => row.id) }
}

/** Statements that bring them back, each with its entry, where `condition` holds. */
export function restoreAlong(ctx: UserCtx, deletedAt: number | null, { organizationIds, accountIds }: WentAlong, condition: SQL) {
  const actor = auditPerson(ctx)
  const now = ctx.now()
  return [
    ...organizationIds.flatMap((id) => {
      const own = and(eq(organizations.id, id), sql`${organizations.deletedAt} = ${deletedAt}`, condition) ?? condition
      const entry = { action: 'organization.restore', target: { kind: 'organization', id } }
      return [
        auditStatement(ctx, { organizationId: id, actor }, entry, sql`from ${organizations} where ${own}`),
        ctx.db.update(organizations).set({ deletedAt: null, updatedAt: now }).where(own),
      ]
    }),
    ...accountIds.flatMap((id) => {
      const own = and(eq(accounts.id, id), sql`${accounts.deletedAt} = ${deletedAt}`, condition) ?? condition
      const entry = { action: 'account.restore', target: { kind: 'account', id } }
      return [
        accountAuditStatement(ctx, { accountId: id, actor }, entry, sql`from ${accounts} where ${own}`),
        ctx.db.update(accounts).set({ deletedAt: null, updatedAt: now }).where(own),
      ]
    }),
  ]
}
