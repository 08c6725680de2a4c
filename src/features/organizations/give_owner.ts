import { sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import { auditStatement } from '../../db/audit.ts'
import type { AuditActor } from '../../db/audit.ts'
import type { BaseCtx } from '../../db/context.ts'
import { memberships, organizations } from '../../db/schema.ts'

/*
 * Owners may go while nothing of theirs is live: what they owned alone goes with them, or is deleted already. When it comes
 * back, who manages the account gets it: an organization is never without an owner who can log in.
 */

/** Whether the organization has an owner who can log in. */
export const hasOwner = sql`exists (select 1 from memberships m join users u on u.id = m.user_id and u.deleted_at is null
  where m.organization_id = ${organizations.id} and m.role = 'owner')`

/** Whether there is somebody to own it in place of one. */
export function hasHeir(userId: string): SQL {
  return sql`exists ${heirOf(userId)}`
}

/**
 * Statements that give each of the organizations that `back` finds an owner, if it has none, with an entry in its log: the
 * caller, who manages the account, or for staff the first owner of the account. The second answers who owns what now.
 */
export function giveOwner(ctx: BaseCtx, actor: AuditActor & { id: string }, back: SQL) {
  const heir = heirOf(actor.id)
  const source = sql`from ${organizations} where ${back} and not ${hasOwner} and ${hasHeir(actor.id)}`
  const details = { role: 'owner', reason: 'no_owner_left' }
  const entry = { action: 'membership.create', target: { kind: 'user', id: heir }, details }
  return [
    auditStatement(ctx, { organizationId: sql`${organizations.id}`, actor }, entry, source),
    ctx.db
      .insert(memberships)
      .select(sql`select ${heir}, ${organizations.id}, 'owner', ${ctx.now()} ${source}`)
      .onConflictDoUpdate({ target: [memberships.userId, memberships.organizationId], set: { role: 'owner' } })
      .returning({ userId: memberships.userId, organizationId: memberships.organizationId }),
  ] as const
}

function heirOf(userId: string): SQL {
  return sql`(select m.user_id from account_memberships m join users u on u.id = m.user_id and u.deleted_at is null
    where m.account_id = ${organizations.accountId} and (m.role = 'owner' or m.user_id = ${userId})
    order by m.user_id = ${userId} desc, m.created_at, m.user_id limit 1)`
}
