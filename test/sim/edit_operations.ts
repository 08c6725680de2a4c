import { randomChange } from './write_operations.ts'
import type { SealedRow } from '../../src/objects/log-shard/protocol_storage.ts'
import type { Found } from './coordinator.ts'
import { findRow } from './coordinator.ts'
import { same } from './oracle.ts'
import { openSession } from './session.ts'
import type { Organization, SimWorld } from './world.ts'

/** Edits or deletes a row, hot or sealed, as PUT, PATCH and DELETE do. What comes of it is checked where it happens. */
export async function editSomething(world: SimWorld, organization: Organization): Promise<void> {
  const random = world.random()
  const session = openSession(world, organization)
  const { rpc, identity } = random.pick(session.shards)
  const host = organization.shards.find((shard) => shard.identity === identity)!
  const seq = random.below(host.oracle.lastSeq() + 2)
  const change = random.chance(0.7) ? randomChange(random, world.nowMs()) : undefined
  let sealed: SealedRow | undefined
  for (let attempt = 0; attempt < 5; attempt++) {
    const reply = change === undefined ? await rpc.deleteRow(identity, seq, sealed) : await rpc.changeRow(identity, seq, change, sealed)
    if (!('status' in reply) || reply.status !== 'sealed') return
    const found: Found = await findRow(world, session, reply, seq)
    if (found === undefined || found === 'lost') return
    sealed = found === 'moved' ? undefined : found
  }
}

/** GET of one log. */
export async function readOne(world: SimWorld, organization: Organization): Promise<void> {
  const random = world.random()
  const session = openSession(world, organization)
  const { rpc, identity } = random.pick(session.shards)
  const host = organization.shards.find((shard) => shard.identity === identity)!
  const seq = random.below(host.oracle.lastSeq() + 2)
  const reply = await rpc.getRow(identity, seq)
  const expected = session.seen.get(identity.shard)?.[seq - 1] ?? null
  if (expected !== null && expected.createdMs < organization.keepFromMs) return
  if ('row' in reply) same(`row ${seq} of ${host.name}`, reply.row, expected)
  if (!('status' in reply)) return
  const found = await findRow(world, session, reply, seq)
  if (found === 'moved' || found === 'lost') return
  same(`sealed row ${seq} of ${host.name}`, found?.row ?? null, expected)
}
