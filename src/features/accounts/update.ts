import { eq } from 'drizzle-orm'
import type * as z from 'zod'
import { accountAuditEntry, changesOf } from '../../db/audit.ts'
import type { AccountCtx } from '../../db/context.ts'
import { accounts } from '../../db/schema.ts'
import { accountJson, changedMeanwhile, noSuchAccount } from './json.ts'
import { liveAccount } from './live.ts'
import type { AccountJson, patchAccountSchema } from './schema.ts'

export async function updateAccount(ctx: AccountCtx, { name }: z.output<typeof patchAccountSchema>): Promise<AccountJson> {
  const [before] = await ctx.db.select().from(accounts).where(liveAccount(ctx))
  if (!before) throw noSuchAccount()
  if (name === undefined || name === before.name) return accountJson(before, ctx.account.roles)
  // What was read is what the audit entry calls the state before.
  const where = liveAccount(ctx, eq(accounts.name, before.name))
  const changes = changesOf({ name: before.name }, { name })
  const entry = { action: 'account.update', target: { kind: 'account', id: before.id }, changes }
  const [, rows] = await ctx.db.batch([
    accountAuditEntry(ctx, entry, accounts, where),
    ctx.db.update(accounts).set({ name, updatedAt: ctx.now() }).where(where).returning(),
  ])
  const row = rows[0]
  if (!row) throw changedMeanwhile()
  return accountJson(row, ctx.account.roles)
}
