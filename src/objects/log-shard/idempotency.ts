import { idempotencyKeysMax, idempotencyTtlMs } from '../../core/limits.ts'
import type { KeyedBatch, ShardStore } from './store.ts'

export type KeyMemory = ReturnType<typeof createKeyMemory>

/**
 * The idempotency keys of the last 24 hours: 48 bits of each hash in memory, the rest in the batch's first block.
 * It is race-free because appending is synchronous. Beyond `idempotencyKeysMax` the oldest are forgotten.
 */
export function createKeyMemory(store: ShardStore) {
  /** Insertion order is age, since batches come in seq order. */
  const firstSeqs = new Map<number, { firstSeq: number; createdMs: number }>()

  function forgetOld(nowMs: number): void {
    for (const [prefix, known] of firstSeqs) {
      if (firstSeqs.size <= idempotencyKeysMax && known.createdMs > nowMs - idempotencyTtlMs) return
      firstSeqs.delete(prefix)
    }
  }

  return {
    /** The batch that was stored under this key, if that is less than 24 hours ago. */
    find(keyHash: string, nowMs: number): KeyedBatch | undefined {
      const known = firstSeqs.get(prefixOf(keyHash))
      if (known === undefined || known.createdMs <= nowMs - idempotencyTtlMs) return undefined
      const batch = store.readBatch(known.firstSeq)
      return batch?.keyHash === keyHash ? batch : undefined
    },

    remember(keyHash: string, firstSeq: number, createdMs: number, nowMs: number): void {
      const prefix = prefixOf(keyHash)
      firstSeqs.delete(prefix)
      firstSeqs.set(prefix, { firstSeq, createdMs })
      forgetOld(nowMs)
    },

    size: () => firstSeqs.size,
  }
}

/** 48 bits of a hex hash, which Map keeps cheaply; a clash is seen when the batch is read. */
function prefixOf(keyHash: string): number {
  return Number.parseInt(keyHash.slice(0, 12), 16)
}
