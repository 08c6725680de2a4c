import { eq, inArray, sql } from 'drizzle-orm'
import type { BaseCtx } from '../../src/db/context.ts'
import { tablesOfOrganization, tablesOfPerson } from '../../src/db/purge_tables.ts'
import { accounts, damagedSegments, organizations, users } from '../../src/db/schema.ts'
import { accountAuditLog } from '../../src/db/schema_audit.ts'

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
