import { apiKeyCacheEntriesMax, apiKeyCacheMs, apiKeyMissCacheMs } from '../../core/limits.ts'
import type { VerifiedApiKey } from '../../db/context.ts'

/** What an isolate remembers of a key, so that ingest does not ask D1 each time. */
export interface CachedKey extends VerifiedApiKey {
  /** End of the key, or of the grace of the value that was shown. */
  readonly expiresAt: number | null
  /** Moves on without D1 when a write of it is under way. */
  lastUsedAt: number | null
}

interface Entry {
  /** Null: there is no such key. */
  readonly key: CachedKey | null
  readonly untilMs: number
}

/** By SHA-256 of the key, oldest use first; the keys themselves are not kept. */
const entries = new Map<string, Entry>()
let revocations = 0

/** Undefined when nothing fresh is remembered. */
export function cachedKey(keyHash: string, nowMs: number): CachedKey | null | undefined {
  const entry = entries.get(keyHash)
  if (!entry || entry.untilMs <= nowMs) return undefined
  entries.delete(keyHash)
  entries.set(keyHash, entry)
  return entry.key
}

/** To be taken before D1 is asked and given to `rememberKey` with the answer. */
export function revocationMark(): number {
  return revocations
}

/** Keeps an answer of D1, unless a key was revoked here since it was asked: the answer may be from before. */
export function rememberKey(keyHash: string, key: CachedKey | null, nowMs: number, mark: number): void {
  if (mark !== revocations) return
  entries.delete(keyHash)
  entries.set(keyHash, { key, untilMs: nowMs + (key ? apiKeyCacheMs : apiKeyMissCacheMs) })
  if (entries.size <= apiKeyCacheEntriesMax) return
  const oldest = entries.keys().next()
  if (!oldest.done) entries.delete(oldest.value)
}

/** Forgets all keys of an organization, or of all organizations of an account, that is deleted. */
export function forgetKeysOf(owner: { organizationId: string } | { accountId: string }): void {
  revocations += 1
  const isOwn = ({ tenant }: CachedKey) =>
    'accountId' in owner ? tenant.accountId === owner.accountId : tenant.organizationId === owner.organizationId
  for (const [keyHash, { key }] of entries) if (key !== null && isOwn(key)) entries.delete(keyHash)
}

/** Forgets both values of a key that changed or ended. */
export function forgetKey({ keyHash, previousKeyHash }: { keyHash: string; previousKeyHash: string | null }): void {
  revocations += 1
  entries.delete(keyHash)
  if (previousKeyHash !== null) entries.delete(previousKeyHash)
}
