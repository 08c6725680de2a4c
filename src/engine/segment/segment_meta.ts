import { severities } from '../../core/severity.ts'
import type { SegmentBlockEntry, SegmentMeta } from './types.ts'

/** What the manifest knows of a segment with these blocks. */
export function segmentMetaOf(
  blocks: readonly Omit<SegmentBlockEntry, 'bodyStart' | 'bodyBytes'>[],
  bytes: number,
  indexBytes: number,
): Omit<SegmentMeta, 'key' | 'sha256'> {
  const least = (of: (block: (typeof blocks)[number]) => number) => blocks.reduce((min, block) => Math.min(min, of(block)), Infinity)
  const most = (of: (block: (typeof blocks)[number]) => number) => blocks.reduce((max, block) => Math.max(max, of(block)), -Infinity)
  const sum = (of: (block: (typeof blocks)[number]) => number) => blocks.reduce((total, block) => total + of(block), 0)
  return {
    rows: sum(({ meta }) => meta.rows),
    blocks: blocks.length,
    minSeq: least(({ meta }) => meta.firstSeq),
    maxSeq: most(({ lastSeq }) => lastSeq),
    minMs: least(({ meta }) => meta.minMs),
    maxMs: most(({ meta }) => meta.maxMs),
    minCreatedMs: least(({ minCreatedMs }) => minCreatedMs),
    maxCreatedMs: most(({ maxCreatedMs }) => maxCreatedMs),
    severityCounts: severities.map((_, severity) => sum(({ meta }) => meta.severityCounts[severity] ?? 0)),
    bytes,
    rawBytes: sum(({ rawBytes }) => rawBytes),
    indexBytes,
  }
}
