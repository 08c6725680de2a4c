import { and, eq, sql } from 'drizzle-orm'
import type { Column, SQL } from 'drizzle-orm'
import { userDevicesMax } from '../../core/limits.ts'
import type { BaseCtx } from '../../db/context.ts'
import { userDevices } from '../../db/schema_identity.ts'

/** Whether the person logged in from anywhere before, as a condition: the first login of all is no news. */
export function hasDevices(userId: string | Column): SQL<number> {
  return sql<number>`exists (select 1 from ${userDevices} where ${userDevices.userId} = ${userId})`
}

/** Whether the person logged in from this device before. */
export function knowsDevice(userId: string | Column, fingerprint: string): SQL<number> {
  return sql<number>`exists (select 1 from ${userDevices} where ${userDevices.userId} = ${userId} and ${userDevices.fingerprint} = ${fingerprint})`
}

/** Remembers the device for each row of `source` (`from ... where ...`), and forgets those not seen for the longest. */
export function rememberDevice({ db, now }: BaseCtx, userId: string, fingerprint: string, source: SQL) {
  const newest = db
    .select({ fingerprint: userDevices.fingerprint })
    .from(userDevices)
    .where(eq(userDevices.userId, userId))
    .orderBy(sql`${userDevices.lastSeenAt} desc`)
    .limit(userDevicesMax)
  return [
    // In the order of the table's columns, as drizzle wants it.
    db
      .insert(userDevices)
      .select(sql`select ${userId}, ${fingerprint}, ${now()}, ${now()} ${source}`)
      .onConflictDoUpdate({ target: [userDevices.userId, userDevices.fingerprint], set: { lastSeenAt: now() } }),
    db.delete(userDevices).where(and(eq(userDevices.userId, userId), sql`${userDevices.fingerprint} not in (${newest})`)),
  ] as const
}
