import { and, eq, gt, isNull, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import type { UserCtx } from '../../db/context.ts'
import { sessions, users } from '../../db/schema.ts'

/** The caller's sessions that are not over, or the one with the id: the condition of every query about them. */
export function liveSessions(ctx: UserCtx, id?: string): SQL {
  const present = sql`${sessions.tokenVersion} = (select ${users.tokenVersion} from ${users} where ${users.id} = ${ctx.user.id})`
  const own = eq(sessions.userId, ctx.user.id)
  return (
    and(own, id === undefined ? undefined : eq(sessions.id, id), isNull(sessions.revokedAt), gt(sessions.expiresAt, ctx.now()), present) ??
    own
  )
}
