import { ingestErrorsMax, shardBatchBlocksMax, shardRpcBytesMax } from '../core/limits.ts'
import { problem } from '../core/problems.ts'
import type { TenantCtx } from '../db/context.ts'
import { noReadCost } from '../engine/block/read_cost.ts'
import { openBlock } from '../engine/block/reader.ts'
import { createBlockBuilder } from '../engine/block/writer.ts'
import type { EncodedBlock } from '../engine/block/types.ts'
import type { LogJson } from '../engine/log_json.ts'
import { logJson } from '../engine/log_json.ts'
import type { EncodableRow, StoredRow } from '../engine/row.ts'
import { setAttribute } from '../engine/row.ts'
import type { AppendRequest } from '../objects/log-shard/protocol.ts'
import { decodeRecords } from './decode.ts'
import { countRefused, storeBatch } from './store_batch.ts'
import type { Stored } from './store_batch.ts'
import { createUsageCount } from './usage_count.ts'

export interface IngestInput {
  /** Decompressed. */
  body: Buffer
  type: 'json' | 'ndjson'
  idempotencyKey: string | undefined
}

export interface BatchResult {
  accepted: number
  rejected: number
  /** The first `ingestErrorsMax` rejected records; `index` counts from 0 and leaves out blank lines. */
  errors: { index: number; reason: string }[]
}

/** `log` when the body was one JSON object. `replayed` when an earlier request with this key had stored it. */
export type IngestResult = { replayed: boolean; batch: BatchResult; log: LogJson | undefined }

/** Decodes, encodes and stores a batch in a shard of the organization in this region; answers only what is durable. */
export async function ingestLogs(ctx: TenantCtx, { body, type, idempotencyKey }: IngestInput): Promise<IngestResult> {
  const createdMs = ctx.now()
  const builder = createBlockBuilder(createdMs)
  const count = createUsageCount()
  const batch: BatchResult = { accepted: 0, rejected: 0, errors: [] }
  let last: EncodableRow | undefined
  const shape = decodeRecords(body, type, createdMs, {
    row(row, bytes) {
      builder.add(row)
      count.stored(row.source, bytes)
      batch.accepted += 1
      last = row
    },
    reject(index, reason, code, bytes) {
      count.rejected(code, bytes)
      batch.rejected += 1
      if (batch.errors.length < ingestErrorsMax) batch.errors.push({ index, reason })
    },
  })
  ctx.log.add({ bytes: body.length, accepted: batch.accepted, rejected: batch.rejected })
  const usage = count.finish()
  if (last === undefined) {
    countRefused(ctx, usage)
    throw allRejected(batch)
  }
  const blocks = builder.finish()
  checkSize(blocks)
  checkHeads(blocks)
  const idempotency = idempotencyKey === undefined ? undefined : await fingerprint(idempotencyKey, body, batch.rejected)
  const { shard, reply } = await storeBatch(ctx, { blocks, idempotency, usage })
  const replayed = reply.status === 'replayed'
  if (replayed) {
    ctx.log.add({ replayed })
    // What the first request was told, although another version may have decoded it then.
    batch.accepted = reply.accepted
    batch.rejected = reply.rejected
  }
  const log = shape === 'object' ? logJson(storedRow(body, reply, last, createdMs), shard) : undefined
  return { replayed, batch, log }
}

/** What the shard keeps of a key, so that a repeat is known and another body under the same key is refused. */
async function fingerprint(key: string, body: Buffer, rejected: number): Promise<AppendRequest['idempotency']> {
  const [keyHash, bodyHash] = await Promise.all([sha256(Buffer.from(key)), sha256(body)])
  return { keyHash, bodyHash, rejected }
}

async function sha256(bytes: Uint8Array): Promise<string> {
  return Buffer.from(await crypto.subtle.digest('SHA-256', bytes)).toString('hex')
}

/**
 * The one record as it was stored first. What became of it since is not for who may only write, so a replay decodes the
 * request again, as of the time when the first one was received.
 */
function storedRow(body: Buffer, reply: Stored, last: EncodableRow, nowMs: number): StoredRow {
  const createdMs = reply.status === 'replayed' ? reply.createdMs : nowMs
  let row = last
  if (reply.status === 'replayed') decodeRecords(body, 'json', createdMs, { row: (again) => void (row = again), reject: () => undefined })
  const { names, values, ...fields } = row
  const attributes: StoredRow['attributes'] = {}
  for (const [i, name] of names.entries()) setAttribute(attributes, name, values[i]!)
  return { ...fields, attributes, seq: reply.firstSeq, createdMs, updatedMs: 0 }
}

function allRejected({ rejected, errors }: BatchResult) {
  const first = errors[0]?.reason ?? ''
  const detail =
    rejected === 1 ? `The record cannot be kept: it ${first}.` : `None of the ${rejected} records can be kept; the first one ${first}.`
  return problem('validation_failed', detail, { details: Object.fromEntries(errors.map(({ index, reason }) => [String(index), [reason]])) })
}

/** What is acknowledged must be readable: a head that contradicts itself ends here, where the producer still has the rows. */
export function checkHeads(blocks: readonly EncodedBlock[]): void {
  for (const { meta, head, body } of blocks) {
    try {
      openBlock(meta, head, () => body, noReadCost())
    } catch (cause) {
      throw problem('unavailable', 'The batch could not be encoded. Send it again.', { cause })
    }
  }
}

/** Only a batch that hardly compresses, or whose records have ever new names, comes near these limits of one append. */
function checkSize(blocks: readonly EncodedBlock[]): void {
  const bytes = blocks.reduce((sum, { meta }) => sum + meta.bytes, 0)
  if (blocks.length <= shardBatchBlocksMax && bytes <= shardRpcBytesMax) return
  throw problem('payload_too_large', `The batch makes ${blocks.length} blocks of ${bytes} bytes; send it in smaller parts.`)
}
