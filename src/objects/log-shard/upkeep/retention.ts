import { dayMs } from '../../../core/calendar.ts'
import { blockName } from '../../../engine/block/block_error.ts'
import type { SegmentMeta } from '../../../engine/segment/types.ts'
import type { Change } from '../manifest.ts'
import type { ShardState } from '../state.ts'
import { commit, inTransaction } from './commit.ts'
import type { Due, JobContext, JobView } from './job.ts'
import { rewriteSegments } from './segments.ts'

type RetentionView = Pick<JobView, 'nowMs' | 'keepFromMs' | 'segments' | 'damagedSegments' | 'oldestDamagedBlockMs'>

/** Segments of which all rows have expired are dropped, also damaged ones; one is rewritten when half of its time or a day's worth has. */
export function dueRetention({ nowMs, keepFromMs, segments, damagedSegments, oldestDamagedBlockMs }: RetentionView): Due | null {
  if (keepFromMs === 0) return null
  const drop = damagedSegments.filter(({ maxCreatedMs }) => maxCreatedMs < keepFromMs)
  let rewrite: SegmentMeta | null = null
  for (const { meta } of segments) {
    if (meta.maxCreatedMs < keepFromMs) drop.push(meta)
    else if (isWorthRewriting(meta, keepFromMs)) rewrite ??= meta
  }
  const hasDamagedBlocks = oldestDamagedBlockMs !== null && oldestDamagedBlockMs < keepFromMs
  if (drop.length === 0 && rewrite === null && !hasDamagedBlocks) return null
  return { atMs: nowMs, job: { kind: 'retention', drop, rewrite: drop.length > 0 ? null : rewrite } }
}

function isWorthRewriting({ minCreatedMs, maxCreatedMs }: SegmentMeta, keepFromMs: number): boolean {
  const expiredMs = keepFromMs - minCreatedMs
  return expiredMs > 0 && (expiredMs >= dayMs || expiredMs * 2 >= maxCreatedMs - minCreatedMs)
}

/** Drops segments whose rows have all expired, and damaged blocks; rewrites one of which many have. */
export async function retain(context: JobContext, drop: readonly SegmentMeta[], rewrite: SegmentMeta | null): Promise<void> {
  const { state } = context
  if (state.manifest.damage.all().length > 0) dropDamagedBlocks(state)
  if (drop.length > 0) dropSegments(context, drop)
  if (rewrite !== null) await rewriteSegments(context, 'retention', [rewrite])
}

function dropSegments(context: JobContext, drop: readonly SegmentMeta[]): void {
  const sources = drop.map(({ key, rows }) => ({ name: key, rows, blocks: [] }))
  const expired = drop.reduce((sum, { rows }) => sum + rows, 0)
  const rewritten = { sources, damaged: [], added: [], folded: [], expired, erased: new Map<string, number>() }
  commit(context, { kind: 'retention', rewritten, replaced: drop, also: () => [dropPatches(context.state, drop)] })
}

/** Patches of rows that can be nowhere any more. */
function dropPatches({ patches, manifest, index }: ShardState, dropped: readonly SegmentMeta[]): Change {
  const keys = new Set(dropped.map(({ key }) => key))
  const orphans = new Set<number>()
  for (const { minSeq, maxSeq } of dropped) {
    for (const seq of patches.within(minSeq, maxSeq)) {
      const isElsewhere = index.find(seq) !== undefined || manifest.holding(seq, seq).some(({ key }) => !keys.has(key))
      if (!isElsewhere) orphans.add(seq)
    }
  }
  return patches.remove(patches.snapshot([...orphans]))
}

/** Damaged blocks count as received when they were stored: what they say of it cannot be trusted. */
function dropDamagedBlocks(state: ShardState): void {
  const { store, manifest, index } = state
  inTransaction(state, () => {
    const { gone, afterwards } = store.deleteDamagedBefore(manifest.record().keepFromMs)
    const forgotten = gone.map((firstSeq) => manifest.damage.forget(blockName(firstSeq)))
    return [...forgotten, { afterwards }, { afterwards: () => index.retain(({ firstSeq }) => !gone.includes(firstSeq)) }]
  })
}
