import { is } from 'drizzle-orm'
import { getTableConfig, SQLiteTable } from 'drizzle-orm/sqlite-core'
import { expect, it } from 'vitest'
import { tablesOfOrganization } from '../../../scripts/dev/remove_account.ts'
import * as schema from '../../../src/db/schema.ts'

const nameOf = (table: SQLiteTable) => getTableConfig(table).name
const tables = Object.values(schema).filter((each) => is(each, SQLiteTable))

/** Tables with a row that stands in the way of deleting a row of `target`. */
const referring = (target: SQLiteTable) =>
  tables.filter((table) => getTableConfig(table).foreignKeys.some((key) => key.reference().foreignTable === target)).map(nameOf)

it('clears every table whose rows refer to an organization; of users it is the default that is unset', () => {
  expect([...tablesOfOrganization.map(nameOf), 'users'].toSorted()).toEqual(referring(schema.organizations).toSorted())
})

it('clears every table whose rows refer to a user', () => {
  expect(referring(schema.users).toSorted()).toEqual(['api_keys', 'memberships', 'sessions'])
})
