import { sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import type { BaseCtx } from './context.ts'
import { memberships, users } from './schema.ts'

/*
 * The organization that a person acts in without naming one. When it goes, the next of the person's memberships takes its
 * place in the same batch; who has no other gets it back when it is restored. Statements for D1 batches.
 */

/**
 * Moves everybody on whose default is one of `leaving` (a subquery of ids). Put it in front of what makes them leave: what is
 * in `leaving` is not chosen again. `of` bounds it to some people, else it reads the members of `leaving`.
 */
export function moveDefaults(ctx: BaseCtx, leaving: SQL, of: SQL = membersOf(leaving)) {
  const next = sql<string | null>`(
    select m.organization_id from memberships m
    join organizations o on o.id = m.organization_id and o.deleted_at is null
    join accounts a on a.id = o.account_id and a.deleted_at is null
    where m.user_id = ${users.id} and m.organization_id not in (${leaving})
    order by m.created_at, m.organization_id limit 1)`
  return ctx.db
    .update(users)
    .set({ defaultOrganizationId: next })
    .where(sql`${users.defaultOrganizationId} in (${leaving}) and ${users.id} in (${of})`)
}

/** Gives the first of `back` (a subquery of ids) to its members who have no default. */
export function restoreDefaults(ctx: BaseCtx, back: SQL) {
  const first = sql<string | null>`(
    select m.organization_id from memberships m where m.user_id = ${users.id} and m.organization_id in (${back})
    order by m.created_at, m.organization_id limit 1)`
  return ctx.db
    .update(users)
    .set({ defaultOrganizationId: first })
    .where(sql`${users.defaultOrganizationId} is null and ${users.id} in (${membersOf(back)})`)
}

function membersOf(organizationIds: SQL): SQL {
  return sql`select ${memberships.userId} from ${memberships} where ${memberships.organizationId} in (${organizationIds})`
}
