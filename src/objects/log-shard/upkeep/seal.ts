import { idempotencyTtlMs, sealBlocksMax, sealOpenedBytesMax, segmentRowsMax } from '../../../core/limits.ts'
import { blockName, BlockError } from '../../../engine/block/block_error.ts'
import { blockMemoryBytes } from '../../../engine/block/block_memory.ts'
import { readHead } from '../../../engine/block/head.ts'
import type { BlockMeta } from '../../../engine/block/types.ts'
import type { Change } from '../manifest.ts'
import type { SealedBatch } from '../sealed_keys.ts'
import { packKeys } from '../sealed_keys.ts'
import type { ShardState } from '../state.ts'
import { sealPartsOf } from './borders.ts'
import { commit, inTransaction } from './commit.ts'
import type { Due, JobContext, JobView } from './job.ts'
import { rewrite } from './rewrite.ts'
import type { Source } from './source.ts'
import { hotSource } from './source.ts'

/** Sealing is due when enough is hot, or the oldest of it is old, or an erasure waits for it, or it has begun. */
export function dueSeal(view: JobView): Due | null {
  const { nowMs, limits, hot, oldestHotMs } = view
  if (hot.rows === 0 || oldestHotMs === null) return null
  const isNow = view.isSealing || hot.bytes >= limits.sealBytes || view.sealedSeq < view.sealThroughSeq
  return { atMs: isNow ? nowMs : oldestHotMs + limits.sealAgeMs, job: { kind: 'seal' } }
}

/**
 * Writes the oldest hot blocks as segments, about `sealBytes` of them. Appends go on in a new generation. The watermark
 * moves, and keys and usage of the blocks with it, in the transaction that names the segments.
 */
export async function seal(context: JobContext): Promise<void> {
  const { state, limits, fitting } = context
  const { sealedSeq } = state.manifest.record()
  if (state.store.newestGenerationSeq() <= sealedSeq + 1) inTransaction(state, () => [state.store.addGeneration(state.index.lastSeq() + 1)])
  await fitting.seal.run(
    (blocksMax) => pieceOf(state, sealedSeq, limits.sealBytes, blocksMax),
    (metas, readsMax) => sealBlocks(context, metas, readsMax),
  )
}

async function sealBlocks(context: JobContext, metas: readonly BlockMeta[], readsMax: number | undefined): Promise<void> {
  const { state } = context
  const last = metas.at(-1)
  if (last === undefined) throw new Error('a generation that takes no more blocks has none')
  const sealed = { fromSeq: state.manifest.record().sealedSeq + 1, toSeq: last.firstSeq + last.rows - 1 }
  const received = new Map<number, number>()
  const sources = metas.map((meta) => noting(hotSource(state, meta), received))
  const rewritten = await rewrite(context, sources, {
    patchedIn: (sound) =>
      sound.flatMap(({ blocks }) => blocks.flatMap(({ meta, lastSeq }) => state.patches.within(meta.firstSeq, lastSeq))),
    parts: await sealPartsOf(context, sources),
    readsMax,
  })
  const damaged = metas.filter(({ firstSeq }) => rewritten.damaged.some(({ segment }) => segment === blockName(firstSeq)))
  commit(context, {
    kind: 'seal',
    rewritten,
    replaced: [],
    sealed,
    damagedRows: damaged.reduce((sum, { rows }) => sum + rows, 0),
    record: { sealedSeq: sealed.toSeq },
    also: () => [
      ...damaged.map(({ firstSeq }) => state.store.setAside(firstSeq)),
      moveKeys(state, sealed, received, context.now()),
      { afterwards: state.usage.save(state.index.lastSeq()) },
      state.store.dropGenerations(sealed.toSeq),
      { afterwards: () => state.index.retain(({ firstSeq }) => firstSeq > sealed.toSeq || state.store.isDamaged(firstSeq)) },
    ],
  })
}

/** The oldest blocks of a generation that takes no more: about `sealBytes`, or all when hardly more would be left. */
function pieceOf(state: ShardState, sealedSeq: number, sealBytes: number, blocksMax: number): BlockMeta[] {
  const endSeq = state.store.newestGenerationSeq()
  const metas = state.index.after(sealedSeq, sealBytes * 1.5).filter(({ firstSeq }) => firstSeq < endSeq)
  const last = metas.at(-1)
  const isAll = last !== undefined && last.firstSeq + last.rows >= endSeq
  const bytesMax = isAll ? Infinity : sealBytes
  return metas.slice(0, pieceBlocks(metas, { bytesMax, blocksMax, openedBytes: (meta) => openedBytes(state, meta) }))
}

interface PieceLimits {
  bytesMax: number
  blocksMax: number
  openedBytes(meta: BlockMeta): number
}

/** How many blocks, from the first on, one seal takes: what it has to work through is bounded, and with it its time; one at least. */
export function pieceBlocks(metas: readonly BlockMeta[], limits: PieceLimits): number {
  let [rows, bytes, opened] = [0, 0, 0]
  for (const [count, meta] of metas.entries()) {
    rows += meta.rows
    bytes += meta.bytes
    opened += limits.openedBytes(meta)
    const isFull = rows > segmentRowsMax || bytes > limits.bytesMax || opened > sealOpenedBytesMax
    if (count >= Math.min(limits.blocksMax, sealBlocksMax) || (count > 0 && isFull)) return count
  }
  return metas.length
}

/** What a block takes when it is open; those that are damaged are found out by whoever opens them. */
function openedBytes({ store }: ShardState, { firstSeq, rows }: BlockMeta): number {
  try {
    const head = store.readHead(firstSeq)
    if (head === undefined) return 0
    const { columns, pages } = readHead(head).directory
    const rawBytes = pages.reduce((sum, page) => sum + page.rawBytes, 0)
    return blockMemoryBytes(columns.length, rows, rawBytes)
  } catch (error) {
    if (error instanceof BlockError) return 0
    throw error
  }
}

/** Notes when the Worker received each block that is opened: a repeat of its batch is told that. */
function noting(source: Source, received: Map<number, number>): Source {
  const blocks = source.blocks.map(({ open, ...rest }) => ({
    ...rest,
    open: (cost: Parameters<typeof open>[0]) => {
      const block = open(cost)
      const ms = block.system('created').range?.min
      if (ms !== undefined) received.set(rest.meta.firstSeq, ms)
      return block
    },
  }))
  return { ...source, blocks }
}

/** Idempotency keys move from the blocks into packs, and those of more than 24 hours ago go. */
function moveKeys(
  { store }: ShardState,
  sealed: { fromSeq: number; toSeq: number },
  received: ReadonlyMap<number, number>,
  nowMs: number,
): Change {
  const batches = store
    .readBatches(sealed.fromSeq, sealed.toSeq)
    .map((batch): SealedBatch => ({ ...batch, receivedMs: received.get(batch.firstSeq) ?? batch.createdMs }))
  for (const { firstSeq, newestMs, keys } of packKeys(batches)) store.saveSealedKeys(firstSeq, newestMs, keys)
  store.deleteSealedKeys(nowMs - idempotencyTtlMs)
  return { afterwards: () => undefined }
}
