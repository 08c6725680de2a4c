import { createHash } from 'node:crypto'
import { idempotencyTtlMs } from '../../src/core/limits.ts'
import type { AttributeValue } from '../../src/engine/row.ts'
import type { AppendReply, AppendRequest, RowChange } from '../../src/objects/log-shard/protocol.ts'
import { checkQuota, checkRefusal } from './account.ts'
import { encodeContents, randomContent, randomContents } from './content.ts'
import type { Content } from './oracle.ts'
import { Mismatch, holds, same } from './oracle.ts'
import type { Random } from './random.ts'
import type { ShardHost } from './shard_host.ts'
import type { Organization, SimWorld } from './world.ts'

/** A batch with an idempotency key that a shard has stored. */
export interface KeyedBatch {
  host: ShardHost
  batch: Batch
  firstSeq: number
  storedMs: number
}

export interface Batch {
  request: AppendRequest
  rows: Content[]
  createdMs: number
}

export function randomBatch(world: SimWorld, organization: Organization, host: ShardHost): Batch {
  const random = world.random()
  const createdMs = world.nowMs()
  const rows = randomContents(random, createdMs, organization.isGiant)
  const blocks = encodeContents(random, rows, createdMs)
  const rejected = random.chance(0.2) ? random.below(3) : 0
  const idempotency = random.chance(0.5) ? { keyHash: hash(random), bodyHash: hash(random), rejected } : undefined
  const bytes = rows.reduce((sum, { message }) => sum + message.length + 100, 0)
  const request: AppendRequest = {
    identity: host.identity,
    blocks,
    idempotency,
    usage: {
      received: { rows: rows.length + rejected, bytes },
      stored: { rows: rows.length, bytes },
      rejected: rejected > 0 ? { empty: rejected } : {},
      sources: [],
    },
    settings: {
      quota: organization.account.quota,
      retentionDays: null,
      version: 1,
      ledger: organization.shards[0]!.identity,
      shards: organization.shards.length,
    },
  }
  return { request, rows, createdMs }
}

function hash(random: Random): string {
  return createHash('sha256')
    .update(String(random.below(2 ** 31)))
    .digest('hex')
}

/** Sends a batch as a producer does: again under the same key when it does not know what became of it. */
export async function sendBatch(world: SimWorld, organization: Organization, host: ShardHost, batch: Batch): Promise<void> {
  const { request, rows } = batch
  for (let attempt = 0; ; attempt++) {
    try {
      await host.call(
        `a batch of ${rows.length} rows${request.idempotency === undefined ? '' : ' with a key'}`,
        (core) => core.append(request),
        (reply) => checkAppend(world, organization, host, batch, reply),
        (core) => core.deliverTail(),
      )
      return
    } catch (error) {
      if (error instanceof Mismatch || request.idempotency === undefined || attempt === 3) throw error
    }
  }
}

function checkAppend(world: SimWorld, organization: Organization, host: ShardHost, batch: Batch, reply: AppendReply): void {
  const { request, rows, createdMs } = batch
  const { idempotency } = request
  const earlier = organization.keyed.findLast(
    (known) => known.host === host && known.batch.request.idempotency?.keyHash === idempotency?.keyHash,
  )
  const rejected = idempotency?.rejected ?? 0
  if (idempotency !== undefined && earlier !== undefined && mayBeRemembered(world, earlier)) {
    const isSame = earlier.batch.request.idempotency?.bodyHash === idempotency.bodyHash
    const known = {
      status: 'replayed',
      firstSeq: earlier.firstSeq,
      accepted: earlier.batch.rows.length,
      rejected,
      createdMs: earlier.batch.createdMs,
    }
    if (isRemembered(world, earlier) || reply.status !== 'stored') {
      same('the answer to a key that was used before', reply, isSame ? known : { status: 'key_reused' })
      return
    }
  }
  if (reply.status === 'quota_exceeded' && organization.account.quota !== null) {
    checkRefusal(world, organization, batch, reply)
    return
  }
  const firstSeq = host.oracle.lastSeq() + 1
  holds('a batch is stored', reply.status === 'stored', reply)
  if (reply.status !== 'stored') return
  const { busy: _, ...stored } = reply
  same('the answer to a batch', stored, { status: 'stored', firstSeq, accepted: rows.length, rejected })
  host.oracle.append(rows, createdMs)
  organization.account.add(host, batch, world.nowMs())
  checkQuota(world, organization)
  world.totals.rows += rows.length
  if (idempotency !== undefined) organization.keyed.push({ host, batch, firstSeq, storedMs: world.nowMs() })
}

/** The key must be known for 24 hours, by any clock that there was since. */
function isRemembered(world: SimWorld, { storedMs }: KeyedBatch): boolean {
  return world.greatestMs() - storedMs < idempotencyTtlMs
}

/** The clock went ahead and came back: what was forgotten meanwhile cannot be known. */
function mayBeRemembered(world: SimWorld, { storedMs }: KeyedBatch): boolean {
  return world.nowMs() - storedMs < idempotencyTtlMs
}

/** The producer did not see the answer and sends the same batch again, twice at once. */
export async function resend(world: SimWorld, organization: Organization): Promise<void> {
  const random = world.random()
  const known = organization.keyed.at(-1 - random.below(5))
  if (known === undefined) return
  const send = () => sendBatch(world, organization, known.host, known.batch)
  await Promise.all(random.chance(0.5) ? [send(), send()] : [send()])
}

/** Another body under a key that was used. */
export async function reuseKey(world: SimWorld, organization: Organization): Promise<void> {
  const known = organization.keyed.at(-1)
  const key = known?.batch.request.idempotency
  if (known === undefined || key === undefined || !isRemembered(world, known)) return
  const batch = randomBatch(world, organization, known.host)
  const request = { ...batch.request, idempotency: { ...key, bodyHash: hash(world.random()) } }
  await sendBatch(world, organization, known.host, { ...batch, request })
}

export function randomChange(random: Random, nowMs: number): RowChange {
  const fresh = randomContent(random, nowMs, 86_400_000)
  const replace = random.chance(0.3)
  const entries: [string, AttributeValue | null][] = Object.entries(fresh.attributes)
  if (random.chance(0.3) && !entries.some(([name]) => name === 'note')) entries.push(['note', null])
  const change: RowChange = { ...(replace && fresh), message: fresh.message, attributes: { replace, entries } }
  if (random.chance(0.3)) change.severity = fresh.severity
  return change
}
