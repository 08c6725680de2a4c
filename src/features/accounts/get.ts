import type { AccountCtx } from '../../db/context.ts'
import { accounts } from '../../db/schema.ts'
import { accountJson, noSuchAccount } from './json.ts'
import { liveAccount } from './live.ts'
import type { AccountJson } from './schema.ts'

export async function getAccount(ctx: AccountCtx): Promise<AccountJson> {
  const [row] = await ctx.db.select().from(accounts).where(liveAccount(ctx))
  if (!row) throw noSuchAccount()
  return accountJson(row, ctx.account.roles)
}
