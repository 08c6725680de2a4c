import type { AccountCtx } from '../../db/context.ts'
import type { UserJson } from './schema.ts'
import { auditReach, findUser, userJson } from './user.ts'

export async function getUser(ctx: AccountCtx, id: string): Promise<UserJson> {
  const found = await findUser(ctx, id)
  await auditReach(ctx, found.row.accountId, 'users.get')
  return userJson(found)
}
