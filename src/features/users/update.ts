import type { AccountCtx } from '../../db/context.ts'
import { writeProfile } from './profile.ts'
import type { ProfileInput } from './profile.ts'
import type { UserJson } from './schema.ts'
import { findUser, noSuchUser, userJson, withinReach } from './user.ts'

/** Changes the profile of a user: names and the like, never e-mail, password or rights, which are the person's or have their own ways. */
export async function updateUser(ctx: AccountCtx, id: string, input: ProfileInput): Promise<UserJson> {
  const row = await writeProfile(ctx, withinReach(ctx, id), input)
  if (!row) throw noSuchUser()
  return userJson(await findUser(ctx, id))
}
