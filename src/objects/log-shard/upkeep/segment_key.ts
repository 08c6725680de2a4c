import { dateOf, dayMs, dayOf } from '../../../core/calendar.ts'
import type { BlockMeta } from '../../../engine/block/types.ts'
import type { EncodedSegment } from '../../../engine/segment/types.ts'
import type { ShardIdentity } from '../protocol.ts'

export interface SegmentName {
  meta: EncodedSegment['meta']
  blocks: readonly Pick<BlockMeta, 'minMs' | 'rows'>[]
  /** Hexadecimal SHA-256 of the object. */
  sha256: string
  /** Number of the operation that adds it. */
  operation: number
}

/**
 * `org/<org>/<region>/<yyyy>/<mm>/<dd>/<shard>-<first seq>-<rows>-<operation>-<hash>.seg`. The day is that of most rows. A
 * rewrite has another operation than what it replaces, and different content another hash.
 */
export function segmentKey(identity: ShardIdentity, { meta, blocks, sha256, operation }: SegmentName): string {
  const { organizationId, region, shard } = identity
  const day = dateOf(mainDay(blocks)).replaceAll('-', '/')
  return `org/${organizationId}/${region}/${day}/${shard}-${meta.minSeq}-${meta.rows}-${operation}-${sha256.slice(0, 16)}.seg`
}

/** What the key says before the last slash: the day, for one shard. */
export function dayOfKey(key: string): string {
  return key.slice(0, key.lastIndexOf('/'))
}

/** The end of a key's day, milliseconds. */
export function endOfDay(key: string): number {
  return Date.parse(dayOfKey(key).slice(-10).replaceAll('/', '-')) + dayMs
}

function mainDay(blocks: SegmentName['blocks']): number {
  const rows = new Map<number, number>()
  for (const block of blocks) {
    const day = dayOf(block.minMs)
    rows.set(day, (rows.get(day) ?? 0) + block.rows)
  }
  let [main] = rows.keys()
  for (const [day, count] of rows) if (main === undefined || count > (rows.get(main) ?? 0)) main = day
  return main ?? 0
}
