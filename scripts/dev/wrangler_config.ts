import { join } from 'node:path'
import type { Unstable_Config } from 'wrangler'
import { root } from './settings.ts'

/** wrangler.toml as wrangler itself understands it: what production, tests, benchmarks and scripts have in common. */
export async function readWranglerConfig(): Promise<Unstable_Config> {
  // Loading wrangler takes two seconds; the configuration of the tests is loaded for the unit tests too, which need none of it.
  const { unstable_readConfig: readConfig } = await import('wrangler')
  // Its declarations take the type of this answer from a package that they do not bring along.
  const config: unknown = readConfig({ config: join(root, 'wrangler.toml') })
  return config as Unstable_Config
}

/** The cron expressions that production runs. Throws when there is none: a test of each of them would pass unseen. */
export function cronsOf({ triggers }: Pick<Unstable_Config, 'triggers'>): string[] {
  if (triggers.crons === undefined || triggers.crons.length === 0) throw new Error('wrangler.toml has no crons')
  return triggers.crons
}

/** The id under which wrangler keeps the local D1 of the binding DB. Throws when there is none. */
export function databaseIdOf({ d1_databases: databases }: Pick<Unstable_Config, 'd1_databases'>): string {
  const id = databases.find(({ binding }) => binding === 'DB')?.database_id
  if (id === undefined) throw new Error('wrangler.toml has no D1 database with the binding DB and an id')
  return id
}
