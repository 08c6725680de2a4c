import { resumeTail } from './tail.ts'
import { editSomething, readOne } from './edit_operations.ts'
import { runAggregates } from './aggregate_operations.ts'
import { exportRows, searchPages } from './read_operations.ts'
import { openSession } from './session.ts'
import type { ShardHost } from './shard_host.ts'
import type { Organization, SimWorld } from './world.ts'
import { randomBatch, resend, reuseKey, sendBatch } from './write_operations.ts'
import { everything, randomQuery, randomRange } from './content.ts'

export interface Operation {
  name: string
  run(world: SimWorld, organization: Organization): Promise<void>
}

/** What clients do, and how often. */
export const operations: readonly (readonly [weight: number, operation: Operation])[] = [
  [30, { name: 'sends a batch', run: sendOne }],
  [6, { name: 'sends a batch again', run: resend }],
  [2, { name: 'uses a key again', run: reuseKey }],
  [12, { name: 'edits a row', run: editSomething }],
  [6, { name: 'reads a row', run: readOne }],
  [14, { name: 'searches', run: searchPages }],
  [12, { name: 'aggregates', run: runAggregates }],
  [3, { name: 'exports', run: exportRows }],
  [5, { name: 'resumes a tail', run: resumeTail }],
  [3, { name: 'watches', run: watch }],
]

async function sendOne(world: SimWorld, organization: Organization): Promise<void> {
  const host = pickShard(world, organization)
  await sendBatch(world, organization, host, randomBatch(world, organization, host))
}

async function watch(world: SimWorld, organization: Organization): Promise<void> {
  const { rpc, identity } = world.random().pick(openSession(world, organization).shards)
  await rpc.watch(identity)
}

function pickShard(world: SimWorld, { shards }: Organization): ShardHost {
  return world.random().pick(shards)
}

/** An operator seals by hand, as a delete by query and the tests do. */
export function sealSomething(world: SimWorld): void {
  const organization = world.random().pick(world.organizations)
  world.start(`${organization.id} is sealed by hand`, async () => {
    const { rpc, identity } = world.random().pick(openSession(world, organization).shards)
    await rpc.sealNow(identity)
  })
}

/** A delete by query in all shards of an organization. */
export function eraseSomething(world: SimWorld): void {
  const random = world.random()
  const organization = random.pick(world.organizations)
  const q = randomQuery(random)
  if (q === '' && random.chance(0.8)) return
  const request = { id: `erase${random.below(2 ** 31)}`, q, range: random.chance(0.5) ? everything : randomRange(random, world.nowMs()) }
  world.start(`${organization.id} deletes by query ${q}`, async () => {
    for (const { rpc, identity } of openSession(world, organization).shards) await rpc.startErase(identity, request)
  })
}

/** Retention: what was received before is gone from sight at once, and from storage in time. */
export function expireSomething(world: SimWorld): void {
  const random = world.random()
  const organization = random.pick(world.organizations)
  const ageMs = random.pick([60_000, 3_600_000, 86_400_000])
  organization.keepFromMs = Math.max(organization.keepFromMs, world.nowMs() - ageMs)
  const { keepFromMs } = organization
  world.start(`${organization.id} keeps from ${keepFromMs}`, async () => {
    for (const { rpc, identity } of openSession(world, organization).shards) await rpc.applyRetention(identity, keepFromMs, 0)
  })
}
