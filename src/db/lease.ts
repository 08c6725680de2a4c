import { gt, lte, or } from 'drizzle-orm'
import type { AnySQLiteColumn } from 'drizzle-orm/sqlite-core'

/**
 * Condition: nobody holds it, or who does has had its time. A lease that ends further ahead than any of these can was taken while a
 * clock was wrong. Twice its length is what none can reach: those who look have clocks a little behind those who take.
 */
export function isLeaseFree(leaseUntil: AnySQLiteColumn, nowMs: number, leaseMs: number) {
  return or(lte(leaseUntil, nowMs), gt(leaseUntil, nowMs + 2 * leaseMs))
}
