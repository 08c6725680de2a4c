import { idempotencyTtlMs, segmentRowsMax } from '../../../core/limits.ts'
import { blockName } from '../../../engine/block/block_error.ts'
import type { BlockMeta } from '../../../engine/block/types.ts'
import type { Change } from '../manifest.ts'
import type { SealedBatch } from '../sealed_keys.ts'
import { packKeys } from '../sealed_keys.ts'
import type { ShardState } from '../state.ts'
import { bordersOf } from './borders.ts'
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
  const { state, limits } = context
  const { sealedSeq } = state.manifest.record()
  if (state.store.newestGenerationSeq() <= sealedSeq + 1) inTransaction(state, () => [state.store.addGeneration(state.index.lastSeq() + 1)])
  const metas = pieceOf(state, sealedSeq, limits.sealBytes)
  const last = metas.at(-1)
  if (last === undefined) throw new Error('a generation that takes no more blocks has none')
  const sealed = { fromSeq: sealedSeq + 1, toSeq: last.firstSeq + last.rows - 1 }
  const received = new Map<number, number>()
  const sources = metas.map((meta) => noting(hotSource(state, meta), received))
  const rewritten = await rewrite(context, sources, {
    patchedIn: (sound) =>
      sound.flatMap(({ blocks }) => blocks.flatMap(({ meta, lastSeq }) => state.patches.within(meta.firstSeq, lastSeq))),
    borders: await bordersOf(context, sources),
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
function pieceOf(state: ShardState, sealedSeq: number, sealBytes: number): BlockMeta[] {
  const endSeq = state.store.newestGenerationSeq()
  const metas = state.index.after(sealedSeq, sealBytes * 1.5).filter(({ firstSeq }) => firstSeq < endSeq)
  const last = metas.at(-1)
  const isAll = last !== undefined && last.firstSeq + last.rows >= endSeq
  const piece: BlockMeta[] = []
  let rows = 0
  let bytes = 0
  for (const meta of metas) {
    rows += meta.rows
    bytes += meta.bytes
    if (piece.length > 0 && (rows > segmentRowsMax || (bytes > sealBytes && !isAll))) break
    piece.push(meta)
  }
  return piece
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
