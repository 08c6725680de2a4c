import { aggregateOperations, runAggregate } from './aggregate_operations.ts'
import { everything } from './content.ts'
import { readPages } from './read_operations.ts'
import type { SimWorld } from './world.ts'

/** Everything that is there, by every way of asking. */
export async function queryEverything(world: SimWorld): Promise<void> {
  for (const organization of world.organizations) {
    const base = { range: everything }
    for (const [q, order] of [
      ['', 'newest'],
      ['timeout', 'oldest'],
    ] as const) {
      world.start(`${organization.id} reads everything`, () => readPages(world, organization, { ...base, q, order }, 1000))
    }
    const operations = aggregateOperations(3_600_000)
    for (const operation of operations) {
      world.start(`${organization.id} counts everything`, () =>
        runAggregate(world, organization, { ...base, q: '', order: 'newest' }, operation),
      )
    }
  }
}
