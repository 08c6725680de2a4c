import type { Damage } from '../engine/query/types.ts'
import type { ShardReply } from './shards.ts'

/** Segments that a scan did not find. */
export interface LostSegments {
  /** A shard names one of them no more: it was merged into another segment meanwhile, and the query must be asked anew. */
  haveMoved: boolean
  /** All of them, as what they are if they have not moved. */
  damaged: Damage[]
}

/** Asks the shards that named a segment which a scan did not find whether it is still theirs. Rejects when one cannot be reached. */
export async function lostSegments(
  replies: readonly ShardReply[],
  scans: readonly { missing: readonly string[] }[],
): Promise<LostSegments> {
  const missing = new Set(scans.flatMap((scan) => scan.missing))
  const damaged = Array.from(missing, (segment) => ({ segment, reason: 'there is no such object' }))
  for (const { shard, reply } of replies) {
    const own = reply.segments.filter(({ key }) => missing.has(key))
    if (own.length === 0) continue
    const { segments } = await shard.rpc.segments(shard.identity)
    const named = new Set(segments.map(({ key }) => key))
    if (own.some(({ key }) => !named.has(key))) return { haveMoved: true, damaged }
  }
  return { haveMoved: false, damaged }
}
