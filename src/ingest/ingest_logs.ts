import { ingestErrorsMax, shardBatchBlocksMax, shardRpcBytesMax } from '../core/limits.ts'
import { problem } from '../core/problems.ts'
import { isTemporary } from '../core/temporary.ts'
import type { TenantCtx } from '../db/context.ts'
import { findOrCreateLogShard, openLogShard } from '../db/log_shards.ts'
import { createBlockBuilder } from '../engine/block/writer.ts'
import type { EncodedBlock } from '../engine/block/types.ts'
import type { LogJson } from '../engine/log_json.ts'
import { logJson } from '../engine/log_json.ts'
import type { EncodableRow, StoredRow } from '../engine/row.ts'
import { setAttribute } from '../engine/row.ts'
import type { AppendReply, AppendRequest, LogShardRpc } from '../objects/log-shard/protocol.ts'
import { decodeRecords } from './decode.ts'

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

type Stored = Extract<AppendReply, { accepted: number }>

/** Decodes, encodes and stores a batch in the organization's shard of this region; answers only what is durable. */
export async function ingestLogs(ctx: TenantCtx, { body, type, idempotencyKey }: IngestInput): Promise<IngestResult> {
  const createdMs = ctx.now()
  const builder = createBlockBuilder(createdMs)
  const batch: BatchResult = { accepted: 0, rejected: 0, errors: [] }
  let last: EncodableRow | undefined
  const shape = decodeRecords(body, type, createdMs, {
    row(row) {
      builder.add(row)
      batch.accepted += 1
      last = row
    },
    reject(index, reason) {
      batch.rejected += 1
      if (batch.errors.length < ingestErrorsMax) batch.errors.push({ index, reason })
    },
  })
  ctx.log.add({ bytes: body.length, accepted: batch.accepted, rejected: batch.rejected })
  if (last === undefined) throw allRejected(batch)
  const blocks = builder.finish()
  checkSize(blocks)
  const { organizationId } = ctx.tenant
  const { identity, rpc } = openLogShard(ctx, organizationId, await findOrCreateLogShard(ctx, organizationId, ctx.region))
  const idempotency = idempotencyKey === undefined ? undefined : await fingerprint(idempotencyKey, body, batch.rejected)
  const reply = await append(rpc, { identity, blocks, idempotency })
  const replayed = reply.status === 'replayed'
  if (replayed) {
    ctx.log.add({ replayed })
    // What the first request was told, although another version may have decoded it then.
    batch.accepted = reply.accepted
    batch.rejected = reply.rejected
  }
  const log = shape === 'object' ? logJson(storedRow(body, reply, last, createdMs), identity.shard) : undefined
  return { replayed, batch, log }
}

/** One call and no second try: without a key a repeat could store twice, with one the producer's own retry is safe. */
async function append(rpc: LogShardRpc, request: AppendRequest): Promise<Stored> {
  const reply = await rpc.append(request).catch((cause: unknown) => {
    // A fault of ours would be the same each time.
    if (!isTemporary(cause)) throw cause
    throw problem('unavailable', 'The log store did not acknowledge the batch. Send it again with the same Idempotency-Key.', { cause })
  })
  if (reply.status === 'key_reused') {
    throw problem('idempotency_key_reused', 'This Idempotency-Key was used for another body within 24 hours.')
  }
  if (reply.status === 'shard_full') {
    throw problem('shard_full', 'The log store has no room for another batch, so nothing was stored. Send fewer and larger batches.')
  }
  return reply
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

/** Only a batch that hardly compresses, or whose records have ever new names, comes near these limits of one append. */
function checkSize(blocks: readonly EncodedBlock[]): void {
  const bytes = blocks.reduce((sum, { meta }) => sum + meta.bytes, 0)
  if (blocks.length <= shardBatchBlocksMax && bytes <= shardRpcBytesMax) return
  throw problem('payload_too_large', `The batch makes ${blocks.length} blocks of ${bytes} bytes; send it in smaller parts.`)
}
