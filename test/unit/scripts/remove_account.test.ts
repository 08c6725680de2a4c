import { is } from 'drizzle-orm'
import { getTableConfig, SQLiteTable } from 'drizzle-orm/sqlite-core'
import { expect, it } from 'vitest'
import { tablesOfOrganization, tablesOfPerson } from '../../../src/db/purge_tables.ts'
import * as schema from '../../../src/db/schema.ts'
import * as auditSchema from '../../../src/db/schema_audit.ts'
import * as contentSchema from '../../../src/db/schema_content.ts'
import * as identitySchema from '../../../src/db/schema_identity.ts'

const nameOf = (table: SQLiteTable) => getTableConfig(table).name
const tables = [schema, auditSchema, contentSchema, identitySchema]
  .flatMap((module): unknown[] => Object.values(module))
  .filter((each) => is(each, SQLiteTable))

/** Tables with a row that stands in the way of deleting a row of `target`. */
const referring = (target: SQLiteTable) =>
  tables.filter((table) => getTableConfig(table).foreignKeys.some((key) => key.reference().foreignTable === target)).map(nameOf)

const cleared = [...tablesOfOrganization, ...tablesOfPerson].map(nameOf)

it('clears every table whose rows refer to an organization; of users it is the default that is unset', () => {
  expect([...cleared, 'users']).toEqual(expect.arrayContaining(referring(schema.organizations)))
  expect(referring(schema.organizations)).toContain('memberships')
})

it('clears every table whose rows refer to a user', () => {
  expect(cleared).toEqual(expect.arrayContaining(referring(schema.users)))
  expect(referring(schema.users)).toContain('sessions')
})
