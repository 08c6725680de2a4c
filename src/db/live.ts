import { and, eq, isNull } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import type { AnySQLiteColumn } from 'drizzle-orm/sqlite-core'
import { accounts, organizations } from './schema.ts'

/*
 * Conditions of inner joins. What is deleted waits for its restore or its purge: nothing is done for it meanwhile. An organization
 * works only while its account does, so one is asked with the other.
 */

/** `organizations`: the one that this column names, unless it is deleted. */
export function ofLiveOrganization(organizationId: AnySQLiteColumn): SQL | undefined {
  return and(eq(organizations.id, organizationId), isNull(organizations.deletedAt))
}

/** `accounts`: the account of the organization, unless it is deleted. */
export const ofLiveAccount = and(eq(accounts.id, organizations.accountId), isNull(accounts.deletedAt))
