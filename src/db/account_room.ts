import { eq, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import { usersPerAccountMax } from '../core/limits.ts'
import { problem } from '../core/problems.ts'
import { users } from './schema.ts'

/** Whether the account has room for one more user, as a condition of every insert that makes one. Deleted users count until the purge. */
export function hasRoomForUser(accountId: string): SQL {
  return sql`(select count(*) from ${users} where ${eq(users.accountId, accountId)}) < ${usersPerAccountMax}`
}

export function accountFull() {
  return problem('conflict', `An account can have at most ${usersPerAccountMax} users, deleted ones included until they are purged.`)
}
