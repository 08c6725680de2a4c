import { movedKeyMs, movedKeysMax } from '../../../core/limits.ts'

/**
 * Idempotency keys that this shard said it does not know, when it was asked after another shard had become the one for
 * them. A batch with such a key may still be under way to here: it is refused, as the other shard may have stored it. In memory
 * only: it matters for the seconds in which two requests race while a shard is added.
 */
export function createMovedKeys() {
  /** Oldest first. */
  const untilMs = new Map<string, number>()
  return {
    add(keyHash: string, nowMs: number): void {
      untilMs.delete(keyHash)
      untilMs.set(keyHash, nowMs + movedKeyMs)
      for (const [key, until] of untilMs) {
        if (untilMs.size <= movedKeysMax && until > nowMs) return
        untilMs.delete(key)
      }
    },
    has: (keyHash: string, nowMs: number): boolean => (untilMs.get(keyHash) ?? 0) > nowMs,
  }
}
