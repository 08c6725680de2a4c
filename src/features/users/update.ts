import type { AccountCtx } from '../../db/context.ts'
import { writeProfile } from './profile.ts'
import type { ProfileInput } from './profile.ts'
import type { UserJson } from './schema.ts'
import { findUser, managesNothing, mayDeleteManagers, noSuchUser, refuseManager, userJson, withinReach } from './user.ts'

/**
 * Changes the profile of a user: names and the like, never e-mail, password or rights, which are the person's or have their own
 * ways. Those of others who manage the account are for its owners: mails and lists name people as they are called.
 */
export async function updateUser(ctx: AccountCtx, id: string, input: ProfileInput): Promise<UserJson> {
  const { row, accountRole } = await findUser(ctx, id)
  const isFree = id === ctx.user.id || mayDeleteManagers(ctx)
  if (!isFree) refuseManager(ctx, accountRole)
  const changed = await writeProfile(ctx, withinReach(ctx, id), input, isFree ? undefined : managesNothing(row.accountId))
  if (!changed) throw noSuchUser()
  return userJson(await findUser(ctx, id))
}
