import { BlockError, blockOfName } from '../../../engine/block/block_error.ts'
import { noReadCost } from '../../../engine/block/read_cost.ts'
import type { SegmentMeta } from '../../../engine/segment/types.ts'
import type { StoredErasure } from '../erasures.ts'
import type { ShardState } from '../state.ts'
import type { SegmentEntry } from '../store_storage.ts'
import { inTransaction, markDamaged } from './commit.ts'
import { createCull } from './cull.ts'
import { isAwaited } from './fold.ts'
import type { Due, JobContext, JobView } from './job.ts'
import { readSources, rewriteSegments } from './segments.ts'
import type { Source } from './source.ts'

/** Looks at one segment after the other, once all rows in reach are sealed and their edits folded in; then ends. */
export function dueErase(view: JobView): Due | null {
  for (const erasure of view.erasures) {
    const { id, status } = erasure
    if (status === 'kept' && view.damagedPartsOf(erasure) === 0) return { atMs: view.nowMs, job: { kind: 'erase', id, segment: null } }
    if (status !== 'running' || (view.sealedSeq < erasure.maxSeq && view.isHot(erasure))) continue
    if (view.segments.some(({ meta }) => isAwaited(view, meta, view.patchedIn(meta)))) continue
    return { atMs: view.nowMs, job: { kind: 'erase', id, segment: nextSegment(erasure, view.segments) } }
  }
  return null
}

/** Segments that are still to be looked at. Those of later operations were written without the erased rows. */
export function segmentsLeft(erasure: StoredErasure, segments: readonly SegmentEntry[]): SegmentMeta[] {
  return segments.filter(({ operation, meta }) => meta.key > erasure.afterKey && mayHold(erasure, operation, meta)).map(({ meta }) => meta)
}

/** Parts that no job can look at, and that may hold rows of the erasure: others do not keep it. */
export function damagedPartsOf({ manifest, index, patches }: ShardState, erasure: StoredErasure): number {
  let parts = 0
  // Edits of rows in damaged parts are never folded in, and have times of their own.
  const isEdited = ({ minSeq, maxSeq }: Pick<SegmentMeta, 'minSeq' | 'maxSeq'>) =>
    patches.within(minSeq, Math.min(maxSeq, erasure.maxSeq)).length > 0
  for (const { segment: part } of manifest.damage.all()) {
    const entry = manifest.get(part)
    const firstSeq = blockOfName(part)
    const block = firstSeq === undefined ? undefined : index.find(firstSeq)
    const rows = block && { ...block, minSeq: block.firstSeq, maxSeq: block.firstSeq + block.rows - 1 }
    if (entry !== undefined && (mayHold(erasure, entry.operation, entry.meta) || isEdited(entry.meta))) parts++
    else if (rows !== undefined && (mayHold(erasure, 0, rows) || isEdited(rows))) parts++
  }
  return parts
}

/** Keys of the segments that may still hold rows that an erasure hides: those to be looked at, and damaged ones. */
export function erasingIn({ manifest, erasures }: ShardState): string[] {
  const active = erasures.active()
  const isOpen = ({ operation, meta: { key, ...meta } }: SegmentEntry) =>
    active.some((erasure) => (key > erasure.afterKey || manifest.damage.has(key)) && mayHold(erasure, operation, meta))
  return active.length === 0 ? [] : [...manifest.entries()].filter(isOpen).map(({ meta }) => meta.key)
}

/** May a part that was added by this operation hold rows that the erasure matches? */
function mayHold(
  { range, maxSeq, operation }: StoredErasure,
  added: number,
  part: Pick<SegmentMeta, 'minSeq' | 'minMs' | 'maxMs'>,
): boolean {
  return added <= operation && part.minSeq <= maxSeq && part.maxMs >= range.fromMs && part.minMs < range.toMs
}

function nextSegment(erasure: StoredErasure, segments: readonly SegmentEntry[]): SegmentMeta | null {
  let next: SegmentMeta | null = null
  for (const meta of segmentsLeft(erasure, segments)) if (next === null || meta.key < next.key) next = meta
  return next
}

/** One step of an erasure: looks at one segment, or ends when there is none. Throws ErasureTooSlowError when its query takes too long on a block. */
export async function erase(context: JobContext, id: string, segment: SegmentMeta | null): Promise<void> {
  const { state } = context
  const erasure = state.erasures.get(id)
  if (erasure === undefined) throw new Error(`there is no erasure ${id}`)
  if (segment === null) {
    finish(context, erasure)
    return
  }
  if (await hasErasedRows(context, segment)) await rewriteSegments(context, 'erase', [segment])
  else inTransaction(state, () => [state.erasures.save({ ...erasure, afterKey: segment.key })])
}

/** Rewriting is dear; most segments of a range hold nothing that the query matches. */
async function hasErasedRows(context: JobContext, segment: SegmentMeta): Promise<boolean> {
  const { sources, damaged } = await readSources(context, [segment])
  // A damaged one is out of the way from here on: what it holds stays invisible.
  markDamaged(context, 'erase', damaged)
  for (const source of sources) if (await matchesRows(context, source).finally(source.release)) return true
  return false
}

async function matchesRows(context: JobContext, { name, blocks }: Source): Promise<boolean> {
  // Expired rows may still be there when the term grows again, and must not come back with it.
  const cull = createCull(context.state, 0)
  for (const { open } of blocks) {
    try {
      const block = open(noReadCost())
      cull.drop(block, [])
      block.release()
    } catch (error) {
      if (!(error instanceof BlockError)) throw error
      markDamaged(context, 'erase', [{ segment: name, reason: error.message }])
      return false
    }
    if ([...cull.erased().values()].some((rows) => rows > 0)) return true
    await context.yield()
  }
  return false
}

/** The predicate goes, unless there are parts that nobody could look at. */
function finish({ state }: JobContext, erasure: StoredErasure): void {
  const damaged = damagedPartsOf(state, erasure)
  const change = () => (damaged > 0 ? state.erasures.save({ ...erasure, status: 'kept', damaged }) : state.erasures.end(erasure, 'done'))
  inTransaction(state, () => [change()])
}

/** Ends an erasure whose query takes too much time on some block; what it has removed is gone. */
export function failErasure({ state }: JobContext, id: string, reason: string): void {
  const erasure = state.erasures.get(id)
  if (erasure !== undefined) inTransaction(state, () => [state.erasures.end(erasure, 'failed', reason)])
}
