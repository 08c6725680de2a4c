import { and, sql } from 'drizzle-orm'
import { accountAuditStatement, auditPerson } from '../../db/audit.ts'
import type { AccountCtx } from '../../db/context.ts'
import { users } from '../../db/schema.ts'
import type { UserJson } from './schema.ts'
import { findUser, managesNothing, mayDeleteManagers, refuseManager, restorable, userJson, withinReach } from './user.ts'
import { restoreAlong, wentAlongWith } from './went_along.ts'

/**
 * Brings a deleted user back, with memberships and roles, and with the organizations and accounts that went along. Sessions
 * and tokens stay ended; the password is what it was.
 */
export async function restoreUser(ctx: AccountCtx, id: string): Promise<UserJson> {
  const { row, accountRole } = await findUser(ctx, id, true)
  refuseManager(ctx, accountRole)
  const { accountId, deletedAt } = row
  const along = await wentAlongWith(ctx, row)
  const now = ctx.now()
  const condition = mayDeleteManagers(ctx) ? undefined : managesNothing(accountId)
  const may = and(withinReach(ctx, id), restorable(now), condition) ?? sql`false`
  const entry = { action: 'user.restore', target: { kind: 'user', id } }
  await ctx.db.batch([
    accountAuditStatement(ctx, { accountId, actor: auditPerson(ctx) }, entry, sql`from ${users} where ${may}`),
    ...restoreAlong(ctx, deletedAt, along, sql`exists (select 1 from ${users} where ${may})`),
    ctx.db.update(users).set({ deletedAt: null, updatedAt: now }).where(may),
  ])
  return userJson(await findUser(ctx, id))
}
