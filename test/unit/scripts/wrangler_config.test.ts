import { expect, it } from 'vitest'
import { cronsOf, databaseIdOf } from '../../../scripts/dev/wrangler_config.ts'

const database = (binding: string, id?: string) => ({ binding, ...(id === undefined ? {} : { database_id: id }) })

it('has the crons of the configuration', () => {
  expect(cronsOf({ triggers: { crons: ['* * * * *', '0 1 * * *'] } })).toEqual(['* * * * *', '0 1 * * *'])
})

it.each([{}, { crons: [] }])('refuses a configuration without crons: %j', (triggers) => {
  expect(() => cronsOf({ triggers })).toThrow('no crons')
})

it('has the id of the database that the binding DB names', () => {
  expect(databaseIdOf({ d1_databases: [database('OTHER', 'other'), database('DB', 'ours')] })).toBe('ours')
})

it.each([[[]], [[database('OTHER', 'other')]], [[database('DB')]]])('refuses a configuration without that database: %j', (databases) => {
  expect(() => databaseIdOf({ d1_databases: databases })).toThrow('no D1 database')
})
