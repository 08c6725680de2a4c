import { eq, inArray, sql } from 'drizzle-orm'
import type { BaseCtx } from '../../src/db/context.ts'
import {
  accountMemberships,
  accounts,
  apiKeys,
  damagedSegments,
  logShards,
  memberships,
  organizations,
  sessions,
  tasks,
  users,
} from '../../src/db/schema.ts'
import { accountAuditLog, auditLog } from '../../src/db/schema_audit.ts'
import { dashboards, savedFilters } from '../../src/db/schema_content.ts'
import {
  emailChanges,
  invitations,
  oneTimeTokens,
  recoveryCodes,
  secondFactors,
  teamMemberships,
  teams,
  userDevices,
} from '../../src/db/schema_identity.ts'

/** All tables whose rows are one organization's; its people, who may be in others too, are not. */
export const tablesOfOrganization = [
  apiKeys,
  auditLog,
  damagedSegments,
  dashboards,
  invitations,
  logShards,
  memberships,
  savedFilters,
  tasks,
  teamMemberships,
  teams,
] as const

/** All tables whose rows are one person's. */
export const tablesOfPerson = [
  accountMemberships,
  emailChanges,
  oneTimeTokens,
  recoveryCodes,
  secondFactors,
  sessions,
  userDevices,
] as const

/**
 * Removes the account of the user with this e-mail, with its organizations, people and all their rows. Its logs are reached
 * through the organization's id only and a new one gets a new id, so no query can find them any more.
 */
export async function removeAccountOf({ db }: Pick<BaseCtx, 'db'>, email: string): Promise<void> {
  const [owner] = await db.select({ accountId: users.accountId }).from(users).where(eq(users.email, email))
  if (!owner) return
  const ofAccount = db.select({ id: organizations.id }).from(organizations).where(eq(organizations.accountId, owner.accountId))
  const people = db.select({ id: users.id }).from(users).where(eq(users.accountId, owner.accountId))
  await db.batch([
    db.delete(damagedSegments).where(inArray(damagedSegments.organizationId, ofAccount)),
    ...tablesOfPerson.map((table) => db.delete(table).where(inArray(table.userId, people))),
    ...tablesOfOrganization.map((table) => db.delete(table).where(inArray(table.organizationId, ofAccount))),
    db
      .update(users)
      .set({ defaultOrganizationId: sql`null` })
      .where(eq(users.accountId, owner.accountId)),
    db.delete(organizations).where(eq(organizations.accountId, owner.accountId)),
    db.delete(accountAuditLog).where(eq(accountAuditLog.accountId, owner.accountId)),
    db.delete(users).where(eq(users.accountId, owner.accountId)),
    db.delete(accounts).where(eq(accounts.id, owner.accountId)),
  ])
}
