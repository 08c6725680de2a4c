import { idempotencyKeysMax, idempotencyTtlMs } from '../../core/limits.ts'
import type { SealedBatch } from './sealed_keys.ts'
import { findKey, unpackKeys } from './sealed_keys.ts'
import type { ShardStore } from './store.ts'
import type { KeyedBatch } from './store_blocks.ts'

export type KeyMemory = ReturnType<typeof createKeyMemory>

/** A batch by its key; `receivedMs` is known of a sealed one, while a hot one's block says it. */
export type KnownBatch = KeyedBatch & Partial<Pick<SealedBatch, 'receivedMs'>>

/**
 * The idempotency keys of the last 24 hours: 48 bits of each hash in memory, the rest in the batch's first block or, once
 * that is sealed, in a pack. It is race-free because appending is synchronous. Beyond `idempotencyKeysMax` the oldest are
 * forgotten. Nothing is read before a key is first asked for, so that waking for a query stays quick.
 */
export function createKeyMemory(store: ShardStore, hot: () => Iterable<KeyedEntry>) {
  /** Insertion order is age, since batches come in seq order. */
  let firstSeqs: Map<number, { firstSeq: number; createdMs: number }> | undefined

  function known(nowMs: number): Map<number, { firstSeq: number; createdMs: number }> {
    if (firstSeqs !== undefined) return firstSeqs
    firstSeqs = new Map()
    for (const { keys } of store.loadSealedKeys()) for (const batch of unpackKeys(keys)) put(firstSeqs, batch)
    for (const entry of hot()) put(firstSeqs, entry)
    forgetOld(firstSeqs, nowMs)
    return firstSeqs
  }

  return {
    /** The batch that was stored under this key, if that is less than 24 hours ago. */
    find(keyHash: string, nowMs: number): KnownBatch | undefined {
      const entry = known(nowMs).get(prefixOf(keyHash))
      if (entry === undefined || entry.createdMs <= nowMs - idempotencyTtlMs) return undefined
      const batch = readBatch(store, entry.firstSeq)
      return batch?.keyHash === keyHash ? batch : undefined
    },

    /** A batch was stored under this key. */
    remember(entry: KeyedEntry, nowMs: number): void {
      if (firstSeqs === undefined) return
      put(firstSeqs, entry)
      forgetOld(firstSeqs, nowMs)
    },
  }
}

export type KeyedEntry = Pick<KeyedBatch, 'keyHash' | 'firstSeq' | 'createdMs'>

function readBatch(store: ShardStore, firstSeq: number): KnownBatch | undefined {
  const pack = store.readSealedKeys(firstSeq)
  return (pack && findKey(pack, firstSeq)) ?? store.readBatch(firstSeq)
}

function put(firstSeqs: Map<number, { firstSeq: number; createdMs: number }>, { keyHash, firstSeq, createdMs }: KeyedEntry): void {
  const prefix = prefixOf(keyHash)
  firstSeqs.delete(prefix)
  firstSeqs.set(prefix, { firstSeq, createdMs })
}

function forgetOld(firstSeqs: Map<number, { createdMs: number }>, nowMs: number): void {
  for (const [prefix, { createdMs }] of firstSeqs) {
    if (firstSeqs.size <= idempotencyKeysMax && createdMs > nowMs - idempotencyTtlMs) return
    firstSeqs.delete(prefix)
  }
}

/** 48 bits of a hex hash, which Map keeps cheaply; a clash is seen when the batch is read. */
function prefixOf(keyHash: string): number {
  return Number.parseInt(keyHash.slice(0, 12), 16)
}
