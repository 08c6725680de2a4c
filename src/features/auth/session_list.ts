import { count } from 'drizzle-orm'
import type * as z from 'zod'
import type { UserCtx } from '../../db/context.ts'
import { listPage, offsetOf, orderOf } from '../../db/list.ts'
import type { ListPage } from '../../db/list.ts'
import { sessions } from '../../db/schema.ts'
import { deviceOf } from './device.ts'
import { liveSessions } from './live_sessions.ts'
import type { listSessionsQuery, SessionJson } from './session_schema.ts'

const columns = { last_seen_at: sessions.lastSeenAt, first_seen_at: sessions.createdAt }

/** One page of the caller's sessions that are not over, and how many there are in all. */
export async function listSessions(ctx: UserCtx, query: z.output<typeof listSessionsQuery>): Promise<ListPage<SessionJson>> {
  const where = liveSessions(ctx)
  const [totals, rows] = await ctx.db.batch([
    ctx.db.select({ count: count() }).from(sessions).where(where),
    ctx.db
      .select()
      .from(sessions)
      .where(where)
      .orderBy(...orderOf(columns, query.ordering, sessions.id))
      .limit(query.page_size)
      .offset(offsetOf(query)),
  ])
  return listPage(
    totals,
    rows.map((row) => sessionJson(row, ctx.sessionId)),
  )
}

/** A stored session as its owner sees it; none of its hashes. */
function sessionJson(row: typeof sessions.$inferSelect, currentId: string): SessionJson {
  const { browser, browserVersion, system, systemVersion, kind } = deviceOf(row.userAgent)
  const { id, country, city, clientAddress, secondFactorAt, createdAt, lastSeenAt, expiresAt } = row
  return {
    id,
    browser,
    browser_version: browserVersion,
    system,
    system_version: systemVersion,
    device_kind: kind,
    country,
    city,
    client_address: clientAddress,
    second_factor: secondFactorAt !== null,
    first_seen_at: new Date(createdAt).toISOString(),
    // Sessions that began before it was kept have none.
    last_seen_at: new Date(Math.max(lastSeenAt, createdAt)).toISOString(),
    expires_at: new Date(expiresAt).toISOString(),
    is_current: id === currentId,
  }
}
