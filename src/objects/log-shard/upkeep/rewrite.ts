import { releaseBytes } from '../../../core/buffers.ts'
import { segmentBlocksMax, segmentBytesMax, segmentGraceMs, segmentIndexBytesMax, segmentRowsMax } from '../../../core/limits.ts'
import { BlockError } from '../../../engine/block/block_error.ts'
import { within } from '../../../engine/lower_bound.ts'
import type { Damage } from '../../../engine/query/types.ts'
import { filterSizes } from '../../../engine/segment/filters.ts'
import { checkSegment } from '../../../engine/segment/check.ts'
import { mergeBlocks } from '../../../engine/segment/merge.ts'
import type { MergeInput, MergeSteps } from '../../../engine/segment/merge_types.ts'
import type { EncodedSegment, SegmentMeta } from '../../../engine/segment/types.ts'
import { createSegmentWriter } from '../../../engine/segment/writer.ts'
import { sha256Hex } from '../manifest_hash.ts'
import type { FoldedPatch } from '../patches.ts'
import { encodeRows } from '../patches.ts'
import type { Part } from './borders.ts'
import type { Cull } from './cull.ts'
import { createCull } from './cull.ts'
import type { JobContext } from './job.ts'
import { segmentKey } from './segment_key.ts'
import type { Source } from './source.ts'
import { findDamage } from './source.ts'

/** What a rewrite made of its sources; nothing of it counts before it is committed. */
export interface Rewritten {
  /** The sources whose rows it holds. */
  sources: Source[]
  /** The others, which stay as they are. */
  damaged: Damage[]
  added: SegmentMeta[]
  folded: FoldedPatch[]
  expired: number
  erased: ReadonlyMap<string, number>
}

export interface RewriteOptions {
  /** The patched rows that these sources hold. */
  patchedIn(sources: readonly Source[]): number[]
  /** What goes into segments of its own, ascending; undefined: nothing does. */
  parts?: readonly Part[] | undefined
  /** See `MergeOptions`. */
  readsMax?: number | undefined
}

/**
 * The one way by which segments come to be: the rows of the sources, less what is deleted, expired or erased, with edits in
 * place, sorted by time, in segments that are written to R2. Sources that are damaged are left out. Every object is listed as
 * garbage before it is written, and leaves that list when its operation is committed. Throws MergeThrashError, see `MergeOptions`.
 */
export async function rewrite(context: JobContext, sources: readonly Source[], options: RewriteOptions): Promise<Rewritten> {
  let sound = [...sources]
  const damaged: Damage[] = []
  for (;;) {
    try {
      return { sources: sound, damaged, ...(await rewriteSound(context, sound, options)) }
    } catch (error) {
      if (!(error instanceof BlockError)) throw error
      for (const { restore } of sound) await restore?.()
      const found = await findDamage(context, sound)
      if (found.length === 0) throw error
      damaged.push(...found)
      sound = sound.filter(({ name }) => !found.some(({ segment }) => segment === name))
    }
  }
}

type Output = Omit<Rewritten, 'sources' | 'damaged'>

async function rewriteSound(
  context: JobContext,
  sources: readonly Source[],
  { patchedIn, parts = [], readsMax }: RewriteOptions,
): Promise<Output> {
  const patched = patchedIn(sources)
  const folded = context.state.patches.snapshot(patched)
  const cull = createCull(context.state)
  const inputs = [...storedInputs(sources, patched, cull), ...patchInputs(folded, cull, context.now())]
  const borders = parts.slice(1).map(({ fromMs }) => fromMs)
  const added = await writeSegments(context, mergeBlocks(inputs, { borders, readsMax }), parts, () => {
    // All is read: whole segments need not stay in memory while the last one is put together.
    inputs.length = 0
    for (const source of sources) {
      source.blocks = []
      source.release?.()
    }
  })
  return { added, folded, expired: cull.expired(), erased: cull.erased() }
}

/**
 * Blocks of the sources; `patched`, ascending, are rows that come from elsewhere or not at all. A source is released when its
 * last block is done, so that segments that follow each other are not in memory beside all that became of them.
 */
function storedInputs(sources: readonly Source[], patched: readonly number[], cull: Cull): MergeInput[] {
  return sources.flatMap(({ blocks, release }) => {
    let left = blocks.length
    const done = () => {
      if (--left === 0) release?.()
    }
    return blocks.map(({ meta, lastSeq, open }) => {
      const hidden = within(patched, meta.firstSeq, lastSeq)
      return { meta, lastSeq, open, drop: (block) => cull.drop(block, hidden), done }
    })
  })
}

/** The edited rows, as they are now. */
function patchInputs(folded: readonly FoldedPatch[], cull: Cull, nowMs: number): MergeInput[] {
  const rows = folded.flatMap(({ row }) => (row === null ? [] : [row]))
  return encodeRows(rows, nowMs).map(({ meta, lastSeq, open }) => ({ meta, lastSeq, open, drop: (block) => cull.drop(block, []) }))
}

async function writeSegments(context: JobContext, steps: MergeSteps, parts: readonly Part[], release: () => void): Promise<SegmentMeta[]> {
  const added: SegmentMeta[] = []
  const own = { writer: createSegmentWriter(), blocks: [] as Filled[] }
  const strays = { writer: createSegmentWriter(), blocks: [] as Filled[] }
  const borders = parts.slice(1).map(({ fromMs }) => fromMs)
  const end = async (open: typeof own) => {
    const { blocks } = open
    open.blocks = []
    if (blocks.length > 0) added.push(await writeSegment(context, open.writer.finish(), blocks))
  }
  for (const block of steps) {
    if (block !== undefined) {
      const { minMs, rows, bytes } = block.meta
      const isStray = parts.findLast(({ fromMs }) => fromMs <= minMs)?.isStray === true
      const open = isStray ? strays : own
      const next = { minMs, rows, bytes, indexBytes: block.head.length + filterSizes(block).wholeBytes }
      if (mustEnd(open.blocks, next, isStray ? [] : borders)) await end(open)
      open.writer.add(block)
      open.blocks.push(next)
    }
    await context.yield()
  }
  release()
  await end(own)
  await end(strays)
  return added
}

/** What counts of a block towards the limits of its segment. */
export interface Filled {
  minMs: number
  rows: number
  bytes: number
  indexBytes: number
}

/** Must the segment of these blocks end before the next one? */
export function mustEnd(blocks: readonly Filled[], next: Filled, borders: readonly number[]): boolean {
  const first = blocks[0]
  if (first === undefined) return false
  if (borders.some((border) => first.minMs < border && next.minMs >= border)) return true
  const sum = (of: (block: Filled) => number) => blocks.reduce((total, block) => total + of(block), of(next))
  return (
    blocks.length >= segmentBlocksMax ||
    sum(({ rows }) => rows) > segmentRowsMax ||
    sum(({ bytes }) => bytes) > segmentBytesMax ||
    sum(({ indexBytes }) => indexBytes) > segmentIndexBytesMax
  )
}

/** Writes the object under a key of its own: a put of another attempt that arrives late cannot change it. */
async function writeSegment(context: JobContext, segment: EncodedSegment, blocks: readonly Filled[]): Promise<SegmentMeta> {
  const { state, objects, identity, now } = context
  const { bytes, meta } = segment
  await readBack(context, segment)
  const sha256 = sha256Hex(bytes)
  const key = segmentKey(identity(), { meta, blocks, sha256, operation: state.manifest.record().last.number + 1 })
  state.store.saveGarbage(key, now() + segmentGraceMs)
  await objects.put(key, bytes, sha256)
  releaseBytes(bytes)
  return { ...meta, key, sha256 }
}

/** The sources go once the segment counts as written, so it must be one that can be read. */
async function readBack({ yield: pause }: JobContext, segment: EncodedSegment): Promise<void> {
  try {
    await checkSegment(segment, pause)
  } catch (error) {
    // As any other error than this one: no source is to blame.
    if (error instanceof BlockError) throw new Error('a segment was made that cannot be read back', { cause: error })
    throw error
  }
}
