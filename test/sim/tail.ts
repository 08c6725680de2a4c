import { openBlock } from '../../src/engine/block/reader.ts'
import { noReadCost } from '../../src/engine/block/read_cost.ts'
import type { StoredRow } from '../../src/engine/row.ts'
import type { ShardIdentity, TailBlock } from '../../src/objects/log-shard/protocol.ts'
import { damagedRows } from './damage.ts'
import type { OracleRows } from './oracle.ts'
import { holds, same } from './oracle.ts'
import type { ShardHost } from './shard_host.ts'
import type { Organization, SimWorld } from './world.ts'

/** LiveTail at the other end of a delivery: fails now and then, loses interest now and then, and checks what it gets. */
export function receiveTail(
  world: SimWorld,
  { organizationId, shard }: ShardIdentity,
  blocks: readonly TailBlock[],
): { watching: boolean } {
  const random = world.random()
  const isLost = () => {
    const lost = random.chance(world.rates().network)
    if (lost) world.totals.faults++
    return lost
  }
  if (isLost()) throw new Error('the connection was lost: LiveTail cannot be reached')
  const host = world.organizations.find(({ id }) => id === organizationId)?.shards.find(({ identity }) => identity.shard === shard)
  if (host === undefined) throw new Error(`LiveTail of ${organizationId} heard of a shard ${shard}`)
  // The shard would take a complaint for a failed delivery and try again.
  world.checking(() => checkDelivery(host, blocks))
  if (isLost()) throw new Error('the connection was lost: LiveTail did not answer')
  return { watching: random.chance(0.8) }
}

function checkDelivery({ oracle, name }: ShardHost, blocks: readonly TailBlock[]): void {
  for (const row of rowsOfTail(blocks)) {
    const known = oracle.get(row.seq)
    holds(`row ${row.seq} of ${name} that LiveTail gets is durable`, row.seq <= oracle.lastSeq(), row)
    // A row that was edited or deleted after it left the shard arrives as it was.
    if (known !== null && known.updatedMs === 0) same(`row ${row.seq} of ${name} in LiveTail`, row, known)
  }
}

/** The rows of the blocks that may be shown; they must come without gap or repeat. */
export function rowsOfTail(blocks: readonly TailBlock[]): StoredRow[] {
  let nextSeq = blocks[0]?.meta.firstSeq ?? 0
  return blocks.flatMap(({ meta, head, body, hidden }) => {
    same('the first row of a block of the tail', meta.firstSeq, nextSeq)
    nextSeq += meta.rows
    const rows = openBlock(meta, head, () => body, noReadCost()).materialise(Array.from({ length: meta.rows }, (_, row) => row))
    return rows.filter(({ seq }) => hidden?.includes(seq) !== true)
  })
}

/** A tail that resumes sees every row behind its place that is there and has not expired, as it is, in order. */
export async function resumeTail(world: SimWorld, organization: Organization): Promise<void> {
  const host = world.random().pick(organization.shards)
  let after = world.random().below(host.oracle.lastSeq() + 1)
  for (let reads = 0; reads < 50; reads++) {
    const { before, present, keepFromMs, reply } = await readTail(world, organization, host, after)
    const { blocks, lastSeq } = reply
    if (blocks.length === 0) {
      same(`the end of the tail of ${host.name}`, after, lastSeq)
      return
    }
    holds(`the tail of ${host.name} after row ${after} begins there`, blocks[0]!.meta.firstSeq <= after + 1, blocks[0]!.meta)
    const last = blocks.at(-1)!.meta
    const end = last.firstSeq + last.rows - 1
    const seen = new Map(rowsOfTail(blocks).map((row) => [row.seq, row]))
    const lost = damagedRows(world)
    for (const { seq, createdMs } of seen.values())
      holds(`row ${seq} of ${host.name} in the tail has not expired`, createdMs >= keepFromMs, [createdMs, keepFromMs])
    for (let seq = after + 1; seq <= end; seq++) {
      if (!seen.has(seq) && lost.has(`${host.identity.shard}/${seq}`)) continue
      checkSeen(`row ${seq} of ${host.name} in the tail`, seen.get(seq), before[seq - 1] ?? null, present[seq - 1] ?? null, organization)
    }
    after = end
  }
}

/** One read, with the rows that there were when it began and when it ended, and the time of receipt from which on it was to show them. */
async function readTail(world: SimWorld, organization: Organization, host: ShardHost, after: number) {
  const bytesMax = world.random().pick([1, 5000, 1e6])
  let before: OracleRows = []
  let present: OracleRows = []
  let keepFromMs = 0
  const reply = await host.call(
    `a read after row ${after}`,
    (core) => {
      before = host.oracle.snapshot()
      keepFromMs = organization.keepFromMs
      return core.blocksAfter(host.identity, after, bytesMax, keepFromMs)
    },
    () => void (present = host.oracle.snapshot()),
  )
  return { before, present, keepFromMs, reply }
}

/** A row comes as it was when the read began or as it is now; one that was edited twice meanwhile, in any state. */
function checkSeen(
  what: string,
  seen: StoredRow | undefined,
  before: StoredRow | null,
  present: StoredRow | null,
  { keepFromMs }: Organization,
): void {
  if (before === present) {
    if (seen !== undefined || before === null || before.createdMs >= keepFromMs) same(what, seen ?? null, before)
  } else if (seen === undefined) holds(what, present === null || present.createdMs < keepFromMs, 'missing')
  else holds(what, before !== null, seen)
}
