import { seqMax, shardBatchBlocksMax, shardBlocksMax, shardRowBytesMax, shardRpcBytesMax } from '../../core/limits.ts'
import { BlockError } from '../../engine/block/block_error.ts'
import { noReadCost } from '../../engine/block/read_cost.ts'
import type { BlockMeta, EncodedBlock } from '../../engine/block/types.ts'
import { stampFirstSeq } from '../../engine/block/head.ts'
import type { AppendReply, AppendRequest } from './protocol.ts'
import type { ShardState } from './state.ts'
import type { KeyedBatch } from './store.ts'

/**
 * Stores a batch, all of it or nothing, under the next sequence numbers. A key that was used within 24 hours stores
 * nothing and answers what the first batch got. Synchronous, so that two retries that race cannot both store.
 */
export function appendBatch(state: ShardState, request: AppendRequest, nowMs: number): AppendReply {
  const { blocks, idempotency } = request
  if (idempotency !== undefined) {
    const earlier = state.keys.find(idempotency.keyHash, nowMs)
    if (earlier !== undefined) {
      if (earlier.bodyHash !== idempotency.bodyHash) return { status: 'key_reused' }
      const { firstSeq, accepted, rejected } = earlier
      return { status: 'replayed', firstSeq, accepted, rejected, createdMs: receivedMs(state, earlier) }
    }
  }
  checkBatch(blocks, state.index.lastSeq())
  if (state.index.size() + blocks.length > shardBlocksMax) return { status: 'shard_full' }
  const accepted = blocks.reduce((sum, { meta }) => sum + meta.rows, 0)
  const rejected = idempotency?.rejected ?? 0
  const key = idempotency && { keyHash: idempotency.keyHash, bodyHash: idempotency.bodyHash, accepted, rejected }
  const firstSeq = state.index.lastSeq() + 1
  const stamped = stampAll(blocks, firstSeq)
  state.store.transaction(() => {
    for (const [i, { meta, head, body }] of stamped.entries()) state.store.insertBlock(meta, head, body, nowMs, i === 0 ? key : undefined)
  })
  // Memory follows only once the transaction holds.
  for (const { meta, head } of stamped) {
    state.index.push(meta)
    state.heads.put(meta.firstSeq, head)
  }
  if (key !== undefined) state.keys.remember(key.keyHash, firstSeq, nowMs, nowMs)
  return { status: 'stored', firstSeq, accepted, rejected }
}

/** When the Worker received the batch, as its rows say; where they cannot be read, when it was stored right after. */
function receivedMs(state: ShardState, { firstSeq, createdMs }: KeyedBatch): number {
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
function checkBatch(blocks: readonly EncodedBlock[], lastSeq: number): void {
  if (blocks.length === 0 || blocks.length > shardBatchBlocksMax) throw new RangeError(`a batch of ${blocks.length} blocks`)
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
