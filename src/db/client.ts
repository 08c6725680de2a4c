import { drizzle } from 'drizzle-orm/d1'
import type { DrizzleD1Database } from 'drizzle-orm/d1'

export type Database = DrizzleD1Database

/** The control-plane database of this deployment; stateless, so one for each request is fine. */
export function openDatabase(binding: D1Database): Database {
  return drizzle(binding)
}
