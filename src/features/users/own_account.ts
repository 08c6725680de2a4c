import { and, eq, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import { accountAuditStatement } from '../../db/audit.ts'
import type { AuditActor } from '../../db/audit.ts'
import type { BaseCtx } from '../../db/context.ts'
import { accountMemberships, accounts, users } from '../../db/schema.ts'
import type { UserRow } from './profile.ts'

/**
 * Statements that give a user an account of the own in place of the present one, for a D1 batch. `source` (`from ... where ...`)
 * finds the user in the old account: `before` stands in front of `move`, which makes that no longer so.
 */
export function ownAccount(
  ctx: BaseCtx,
  { id, accountId, name }: Pick<UserRow, 'id' | 'accountId' | 'name'>,
  { actor, source }: { actor: AuditActor; source: SQL },
) {
  const newId = ctx.newId()
  const now = ctx.now()
  const old = and(eq(accountMemberships.userId, id), eq(accountMemberships.accountId, accountId))
  const details = { moved_user: id, from_account: accountId }
  const entry = { action: 'account.create', target: { kind: 'account', id: newId }, details }
  const before = [
    // In the order of the tables' columns, as drizzle wants it.
    ctx.db.insert(accounts).select(sql`select ${newId}, ${name}, ${now}, ${now}, null ${source}`),
    ctx.db.insert(accountMemberships).select(sql`select ${id}, ${newId}, 'owner', ${now} ${source}`),
    accountAuditStatement(ctx, { accountId: newId, actor }, entry, source),
    ctx.db.delete(accountMemberships).where(and(old, sql`exists (select 1 ${source})`)),
  ] as const
  const move = (where: SQL) => ctx.db.update(users).set({ accountId: newId, updatedAt: now }).where(where).returning({ id: users.id })
  return { before, move }
}
