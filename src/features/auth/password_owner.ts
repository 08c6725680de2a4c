import { eq, sql } from 'drizzle-orm'
import type { PasswordOwner } from '../../core/password_rule.ts'
import { accounts, organizations, users } from '../../db/schema.ts'

/** What of a person, read with this, a password must not be made of; join by `organizationOfOwner` and `accountOfOwner`. */
export const ownerColumns = {
  email: users.email,
  name: users.name,
  firstName: users.firstName,
  lastName: users.lastName,
  // Under names of their own, as D1 merges columns of the same name.
  organizationName: sql<string | null>`${organizations.name}`.as('organization_name'),
  accountName: sql<string | null>`${accounts.name}`.as('account_name'),
}

export const organizationOfOwner = eq(organizations.id, users.defaultOrganizationId)
export const accountOfOwner = eq(accounts.id, users.accountId)

/** A row of `ownerColumns` as the rule wants it. */
export function passwordOwner(row: {
  email: string
  name: string
  firstName: string | null
  lastName: string | null
  organizationName: string | null
  accountName: string | null
}): PasswordOwner {
  const { email, name, firstName, lastName, organizationName, accountName } = row
  return { email, names: [name, firstName, lastName, organizationName, accountName] }
}
