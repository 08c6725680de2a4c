import { Buffer } from 'node:buffer'
import { sealedKeysPerRowMax } from '../../core/limits.ts'
import type { KeyedBatch } from './store_blocks.ts'

/** A keyed batch, and when the Worker received it: its block, which says so, is gone. */
export interface SealedBatch extends KeyedBatch {
  receivedMs: number
}

/** Bytes of one key: two hashes, three doubles (first seq, stored, received), two counts of 4 bytes. */
const keyBytes = 32 + 32 + 3 * 8 + 2 * 4

/** Keys of sealed batches, packed for rows of SQLite; ascending by first seq, which each pack begins with. */
export function* packKeys(batches: readonly SealedBatch[]): Generator<{ firstSeq: number; newestMs: number; keys: Uint8Array }> {
  for (let start = 0; start < batches.length; start += sealedKeysPerRowMax) {
    const part = batches.slice(start, start + sealedKeysPerRowMax)
    const keys = Buffer.alloc(part.length * keyBytes)
    for (const [i, batch] of part.entries()) writeKey(keys, i * keyBytes, batch)
    yield { firstSeq: part[0]!.firstSeq, newestMs: Math.max(...part.map(({ createdMs }) => createdMs)), keys }
  }
}

/** All keys of a pack in order. */
export function* unpackKeys(pack: Uint8Array): Generator<SealedBatch> {
  const keys = Buffer.from(pack.buffer, pack.byteOffset, pack.byteLength)
  for (let at = 0; at < keys.length; at += keyBytes) yield readKey(keys, at)
}

/** The key of the batch at `firstSeq`; undefined when the pack does not hold it. */
export function findKey(pack: Uint8Array, firstSeq: number): SealedBatch | undefined {
  const keys = Buffer.from(pack.buffer, pack.byteOffset, pack.byteLength)
  let low = 0
  let high = keys.length / keyBytes
  while (low < high) {
    const middle = (low + high) >>> 1
    if (keys.readDoubleLE(middle * keyBytes + 64) < firstSeq) low = middle + 1
    else high = middle
  }
  if (low * keyBytes === keys.length) return undefined
  const found = readKey(keys, low * keyBytes)
  return found.firstSeq === firstSeq ? found : undefined
}

function writeKey(keys: Buffer, at: number, batch: SealedBatch): void {
  for (const [hash, place] of [
    [batch.keyHash, at],
    [batch.bodyHash, at + 32],
  ] as const) {
    if (keys.write(hash, place, 'hex') !== 32 || hash.length !== 64) throw new RangeError('an idempotency key is not 64 hexadecimal digits')
  }
  keys.writeDoubleLE(batch.firstSeq, at + 64)
  keys.writeDoubleLE(batch.createdMs, at + 72)
  keys.writeDoubleLE(batch.receivedMs, at + 80)
  keys.writeUInt32LE(batch.accepted, at + 88)
  keys.writeUInt32LE(batch.rejected, at + 92)
}

function readKey(keys: Buffer, at: number): SealedBatch {
  return {
    keyHash: keys.toString('hex', at, at + 32),
    bodyHash: keys.toString('hex', at + 32, at + 64),
    firstSeq: keys.readDoubleLE(at + 64),
    createdMs: keys.readDoubleLE(at + 72),
    receivedMs: keys.readDoubleLE(at + 80),
    accepted: keys.readUInt32LE(at + 88),
    rejected: keys.readUInt32LE(at + 92),
  }
}
