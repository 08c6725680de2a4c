import { BlockError } from '../../../engine/block/block_error.ts'
import { noReadCost } from '../../../engine/block/read_cost.ts'
import type { Damage } from '../../../engine/query/types.ts'
import type { SegmentMeta } from '../../../engine/segment/types.ts'
import type { ManifestKind } from '../protocol_storage.ts'
import { commit, markDamaged } from './commit.ts'
import type { JobContext } from './job.ts'
import type { Rewritten } from './rewrite.ts'
import { rewrite } from './rewrite.ts'
import type { Source } from './source.ts'
import { readSource } from './source.ts'

export interface RewriteLimits {
  /** Nothing is done when fewer sound segments are left. */
  min?: number
  /** See `MergeOptions`. */
  readsMax?: number | undefined
}

/** Rewrites segments as one operation; damaged ones stay as they are. Throws MergeThrashError, see `MergeOptions`. */
export async function rewriteSegments(
  context: JobContext,
  kind: ManifestKind,
  segments: readonly SegmentMeta[],
  limits: RewriteLimits = {},
): Promise<void> {
  const { sources, damaged } = await readSources(context, segments)
  markDamaged(context, kind, damaged)
  const rewritten = await rewriteSources(context, kind, sources, limits).finally(() => {
    for (const { release } of sources) release?.()
  })
  if (rewritten === undefined) return
  const replaced = segments.filter(({ key }) => rewritten.sources.some(({ name }) => name === key))
  if (replaced.length > 0) {
    commit(context, { kind, rewritten, replaced })
    for (const { key } of replaced) context.absent.delete(key)
  } else markDamaged(context, kind, rewritten.damaged)
}

/** Undefined when nothing is to be done. */
async function rewriteSources(
  context: JobContext,
  kind: ManifestKind,
  sources: readonly Source[],
  { min = 1, readsMax }: RewriteLimits,
): Promise<Rewritten | undefined> {
  if (sources.length < min) return undefined
  if (kind === 'fold' && !holdPatchedRows(context, sources)) return undefined
  return rewrite(context, sources, { patchedIn: (sound) => patchedRowsIn(context, sound), readsMax })
}

/** The segments whole, one after the other; those apart that are damaged. */
export async function readSources(
  context: JobContext,
  segments: readonly SegmentMeta[],
): Promise<{ sources: Source[]; damaged: Damage[] }> {
  const sources: Source[] = []
  const damaged: Damage[] = []
  for (const meta of segments) {
    try {
      sources.push(await readSource(context, meta))
    } catch (error) {
      if (!(error instanceof BlockError)) throw error
      damaged.push({ segment: meta.key, reason: error.message })
    }
    await context.yield()
  }
  return { sources, damaged }
}

/** False when the patched rows of their range are all in other segments: rewriting these would fold nothing in, ever again. */
function holdPatchedRows(context: JobContext, sources: readonly Source[]): boolean {
  try {
    return patchedRowsIn(context, sources).length > 0
  } catch (error) {
    // The rewrite finds out which block it is.
    if (error instanceof BlockError) return true
    throw error
  }
}

/** The patched rows that these sources really hold, ascending; notes those that they do not: ranges of segments overlap. */
function patchedRowsIn({ state: { patches }, absent }: JobContext, sources: readonly Source[]): number[] {
  const found: number[] = []
  for (const { name, blocks } of sources) {
    // Also those between the ranges of its blocks: the range of the segment has them.
    const firstSeq = Math.min(...blocks.map(({ meta }) => meta.firstSeq))
    const missing = new Set(patches.within(firstSeq, Math.max(...blocks.map(({ lastSeq }) => lastSeq))))
    for (const { meta, lastSeq, open } of blocks) {
      if (patches.within(meta.firstSeq, lastSeq).length === 0) continue
      const block = open(noReadCost())
      for (let row = 0; row < meta.rows; row++) {
        const seq = block.seq(row)
        if (missing.delete(seq)) found.push(seq)
      }
      block.release()
    }
    absent.set(name, new Set([...(absent.get(name) ?? []), ...missing]))
  }
  return found.sort((a, b) => a - b)
}
