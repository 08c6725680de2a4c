import type { Order, TimeRange } from '../engine/query/types.ts'
import { edgeOf } from '../engine/query/search.ts'
import { within } from '../engine/lower_bound.ts'
import type { SealedPart } from '../engine/segment/scan_call.ts'
import type { SegmentMeta } from '../engine/segment/types.ts'
import type { ScanLimits } from './query_deps.ts'
import type { ShardReply } from './shards.ts'

/** Segments for one scan, and about what it may decompress. */
export interface Chunk {
  parts: SealedPart[]
  bytes: number
  segments: number
  /** The millisecond where its rows begin, in the order of the cut. */
  edgeMs: number
}

/** The segments that the shards name. */
export function sealedParts(replies: readonly ShardReply[]): SealedPart[] {
  return replies.flatMap(({ shard, reply: { segments, maxSeq, hidden, erasures } }) =>
    segments.length === 0 ? [] : [{ shard: shard.identity.shard, segments, maxSeq, hidden, erasures }],
  )
}

/** About the raw bytes that a scan of a segment decompresses: of its part in the range. */
function scanBytes({ minMs, maxMs, rawBytes }: SegmentMeta, { fromMs, toMs }: TimeRange): number {
  const share = (Math.min(maxMs + 1, toMs) - Math.max(minMs, fromMs)) / (maxMs + 1 - minMs)
  return Math.ceil(rawBytes * Math.min(1, Math.max(0, share)))
}

/** Cuts the segments of a query into chunks that one invocation can scan, in the order in which they begin. */
export function cutChunks(
  { chunkBytes, chunkSegments }: ScanLimits,
  parts: readonly SealedPart[],
  range: TimeRange,
  order: Order,
  bytesOf: (segment: SegmentMeta) => number = (segment) => scanBytes(segment, range),
): Chunk[] {
  const all = parts.flatMap((part) => part.segments.map((segment) => ({ part, segment, edgeMs: edgeOf(segment, range, order) })))
  all.sort((a, b) => (order === 'newest' ? b.edgeMs - a.edgeMs : a.edgeMs - b.edgeMs))
  const chunks: Chunk[] = []
  let members: typeof all = []
  let bytes = 0
  const close = () => {
    const [first] = members
    if (first !== undefined) chunks.push({ parts: partsOf(members), bytes, segments: members.length, edgeMs: first.edgeMs })
    members = []
    bytes = 0
  }
  for (const each of all) {
    const more = bytesOf(each.segment)
    if (members.length === chunkSegments || bytes + more > chunkBytes) close()
    members.push(each)
    bytes += more
  }
  close()
  return chunks
}

function partsOf(members: readonly { part: SealedPart; segment: SegmentMeta }[]): SealedPart[] {
  return Array.from(
    Map.groupBy(members, ({ part }) => part),
    ([part, own]) => {
      const segments = own.map(({ segment }) => segment)
      return { ...part, segments, hidden: hiddenOf(part, segments) }
    },
  )
}

/** Those of the hidden rows that may be in the segments. */
function hiddenOf({ hidden }: SealedPart, segments: readonly SegmentMeta[]): readonly number[] {
  const first = Math.min(...segments.map(({ minSeq }) => minSeq))
  const last = Math.max(...segments.map(({ maxSeq }) => maxSeq))
  return within(hidden, first, last)
}
