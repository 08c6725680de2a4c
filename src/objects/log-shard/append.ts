import {
  hotBytesMax,
  segmentsPerShardMax,
  seqMax,
  shardBatchBlocksMax,
  shardBlocksMax,
  shardRowBytesMax,
  shardRpcBytesMax,
} from '../../core/limits.ts'
import { BlockError } from '../../engine/block/block_error.ts'
import { stampFirstSeq } from '../../engine/block/head.ts'
import { noReadCost } from '../../engine/block/read_cost.ts'
import type { BlockMeta, EncodedBlock } from '../../engine/block/types.ts'
import type { ShardControl } from './control/control.ts'
import type { KnownBatch } from './idempotency.ts'
import type { AppendReply, AppendRequest } from './protocol.ts'
import type { LeaseNeeded } from './control/quota.ts'
import type { ShardState } from './state.ts'

/**
 * Stores a batch, all of it or nothing, under the next sequence numbers. A key that was used within 24 hours stores
 * nothing and answers what the first batch got. Synchronous, so that two retries that race cannot both store.
 */
export function appendBatch(state: ShardState, control: ShardControl, request: AppendRequest, nowMs: number): AppendReply | LeaseNeeded {
  const { blocks, idempotency, usage } = request
  const replay = idempotency && replayOf(state, idempotency, nowMs)
  if (replay !== undefined) return replay
  checkBatch(request, state.index.lastSeq())
  const full = fullness(state, blocks.length)
  if (full !== undefined) return { status: 'shard_full', detail: full }
  const refusal = control.refusalOf(request, nowMs)
  if (refusal !== undefined) return refusal
  const accepted = blocks.reduce((sum, { meta }) => sum + meta.rows, 0)
  const rejected = idempotency?.rejected ?? 0
  const key = idempotency && { keyHash: idempotency.keyHash, bodyHash: idempotency.bodyHash, accepted, rejected }
  const firstSeq = state.index.lastSeq() + 1
  const stamped = stampAll(blocks, firstSeq)
  state.store.transaction(() => {
    for (const [i, block] of stamped.entries()) state.store.insertBlock(block, nowMs, i === 0 ? { key, usage } : {})
  })
  // Memory follows only once the transaction holds.
  for (const { meta, head } of stamped) {
    state.index.push(meta)
    state.heads.put(meta.firstSeq, head)
  }
  if (key !== undefined) state.keys.remember({ keyHash: key.keyHash, firstSeq, createdMs: nowMs }, nowMs)
  const bytes = stamped.reduce((sum, { meta }) => sum + meta.bytes, 0)
  return { status: 'stored', firstSeq, accepted, rejected, busy: control.stored(request, firstSeq, bytes, nowMs) }
}

/** What the first batch under this key was told. */
function replayOf(
  state: ShardState,
  { keyHash, bodyHash }: NonNullable<AppendRequest['idempotency']>,
  nowMs: number,
): AppendReply | undefined {
  const earlier = state.keys.find(keyHash, nowMs)
  if (earlier === undefined) return undefined
  if (earlier.bodyHash !== bodyHash) return { status: 'key_reused' }
  const { firstSeq, accepted, rejected } = earlier
  return { status: 'replayed', firstSeq, accepted, rejected, createdMs: receivedMs(state, earlier) }
}

/** Why the shard can take no batch of so many blocks; undefined when it can. */
function fullness({ index, manifest }: ShardState, blocks: number): string | undefined {
  if (index.size() + blocks > shardBlocksMax)
    return `The log store holds ${shardBlocksMax} batches that are not sealed yet. Send fewer and larger batches.`
  if (index.hot(manifest.record().sealedSeq).bytes >= hotBytesMax)
    return `The log store holds ${hotBytesMax} bytes that are not sealed yet, since sealing does not keep up.`
  if (manifest.size() >= segmentsPerShardMax) return `The log store holds ${segmentsPerShardMax} segments, as many as it can.`
  return undefined
}

/** When the Worker received the batch, as its rows say; where they cannot be read, when it was stored right after. */
function receivedMs(state: ShardState, { firstSeq, createdMs, receivedMs: sealedMs }: KnownBatch): number {
  if (sealedMs !== undefined) return sealedMs
  const meta = state.index.find(firstSeq)
  if (meta === undefined) return createdMs
  try {
    return state.open(meta, noReadCost()).system('created').range?.min ?? createdMs
  } catch (error) {
    if (error instanceof BlockError) return createdMs
    throw error
  }
}

function stampAll(blocks: readonly EncodedBlock[], firstSeq: number): EncodedBlock[] {
  let seq = firstSeq
  return blocks.map(({ meta, head, body }) => {
    const stampedMeta: BlockMeta = { ...meta, firstSeq: seq }
    seq += meta.rows
    return { meta: stampedMeta, head: stampFirstSeq(head, stampedMeta.firstSeq), body }
  })
}

/** The Worker cuts batches within these limits; passing one is a fault of ours, not of the producer. */
function checkBatch({ blocks, idempotency }: AppendRequest, lastSeq: number): void {
  if (blocks.length === 0 || blocks.length > shardBatchBlocksMax) throw new RangeError(`a batch of ${blocks.length} blocks`)
  if (idempotency !== undefined && ![idempotency.keyHash, idempotency.bodyHash].every((hash) => /^[0-9a-f]{64}$/.test(hash)))
    throw new RangeError('an idempotency key is not two SHA-256 in hexadecimal')
  let bytes = 0
  let rows = 0
  for (const { meta, head, body } of blocks) {
    const rowBytes = head.byteLength + body.byteLength
    if (rowBytes > shardRowBytesMax) throw new RangeError(`a block of ${rowBytes} bytes, more than ${shardRowBytesMax}`)
    if (!Number.isSafeInteger(meta.rows) || meta.rows < 1) throw new RangeError(`a block of ${meta.rows} rows`)
    bytes += rowBytes
    rows += meta.rows
  }
  if (bytes > shardRpcBytesMax) throw new RangeError(`a batch of ${bytes} bytes, more than ${shardRpcBytesMax}`)
  if (lastSeq + rows > seqMax) throw new RangeError('the shard has no sequence numbers left')
}
