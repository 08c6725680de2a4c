import { idempotencyTtlMs, shardActivationMs } from '../core/limits.ts'
import type { KnownShard } from '../db/log_shards.ts'

/**
 * Which shard of a region takes a batch: any, at random; with a key by rendezvous hashing (Thaler and Ravishankar, 1998), so a retry
 * meets the same one. Behind the choice stand those of the last 24 hours, before shards were added: one of them may have stored the
 * batch already. Throws RangeError when the region has no shard.
 */
export function chooseShards(shards: readonly KnownShard[], region: string, keyHash: string | undefined, nowMs: number): KnownShard[] {
  const all = shards.filter((shard) => shard.region === region).toSorted((a, b) => a.number - b.number)
  const [first] = all
  if (first === undefined) throw new RangeError(`no shard is in ${region}`)
  // The first one takes batches from the beginning, as there is no other; all isolates come to know a later one before it does.
  const active = all.filter((shard) => shard === first || isActive(shard, nowMs))
  if (keyHash === undefined) return [active[Math.floor(Math.random() * active.length)] ?? first]
  const chosen: KnownShard[] = []
  let candidates = active
  while (candidates.length > 0) {
    const winner = winnerOf(candidates, keyHash)
    chosen.push(winner)
    if (isActive(winner, nowMs - idempotencyTtlMs)) break
    candidates = candidates.filter((shard) => shard.number < winner.number)
  }
  return chosen
}

function isActive({ createdAt }: KnownShard, nowMs: number): boolean {
  return createdAt + shardActivationMs <= nowMs
}

function winnerOf(shards: readonly KnownShard[], keyHash: string): KnownShard {
  return shards.reduce((best, shard) => (scoreOf(shard, keyHash) > scoreOf(best, keyHash) ? shard : best))
}

/** 32 bits of FNV-1a over the key's hash and the shard's number, mixed as by MurmurHash3: `keyHash` is uniform already. */
function scoreOf({ number }: KnownShard, keyHash: string): number {
  const text = `${keyHash}/${number}`
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
