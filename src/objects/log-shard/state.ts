import { headCacheBytesMax } from '../../core/limits.ts'
import { blockName, BlockError } from '../../engine/block/block_error.ts'
import { noReadCost } from '../../engine/block/read_cost.ts'
import { openBlock } from '../../engine/block/reader.ts'
import type { Block, BlockMeta, ReadCost } from '../../engine/block/types.ts'
import type { BlockIndex } from './block_index.ts'
import { createBlockIndex } from './block_index.ts'
import type { Erasures } from './erasures.ts'
import { createErasures } from './erasures.ts'
import type { HeadCache } from './head_cache.ts'
import { createHeadCache } from './head_cache.ts'
import type { KeyMemory } from './idempotency.ts'
import { createKeyMemory } from './idempotency.ts'
import type { Manifest } from './manifest.ts'
import { createManifest } from './manifest.ts'
import type { Patches } from './patches.ts'
import { createPatches } from './patches.ts'
import type { ShardStore } from './store.ts'
import type { UsageLedger } from './control/usage.ts'

/** What the shard holds in memory; all of it can be lost at any time and is built again from `store`. */
export interface ShardState {
  readonly store: ShardStore
  /** Blocks in SQLite: hot ones, and damaged ones that could not be sealed. */
  readonly index: BlockIndex
  readonly keys: KeyMemory
  readonly heads: HeadCache
  /** Edited and deleted rows, hot or sealed. */
  readonly patches: Patches
  /** Sealed segments. */
  readonly manifest: Manifest
  readonly erasures: Erasures
  readonly usage: UsageLedger
  /** Opens a stored block; what is read is added to `cost`. Throws BlockError, now or later, when it is damaged. */
  open(meta: BlockMeta, cost: ReadCost): Block
  /** First seqs of the blocks that the operation at work has opened; one of them is at fault when it meets damage. */
  readonly opened: Set<number>
  /** The stored bytes of a block. */
  bytesOf(meta: BlockMeta): { head: Uint8Array; body: Uint8Array }
}

/** What the shard's SQLite says, read when the object wakes. */
export function loadState(store: ShardStore, usage: UsageLedger, now: () => number): ShardState {
  const manifest = createManifest(store)
  const index = loadIndex(store, usage, manifest.record().sealedSeq)
  const heads = createHeadCache(headCacheBytesMax, (firstSeq) => present(store.readHead(firstSeq)))
  const opened = new Set<number>()
  const readBody = (meta: BlockMeta) => present(store.readBody(meta.firstSeq))
  return {
    store,
    index,
    keys: createKeyMemory(store, () => store.loadKeys(manifest.record().sealedSeq)),
    heads,
    patches: createPatches(store, now),
    manifest,
    erasures: createErasures(store),
    usage,
    opened,
    open(meta, cost) {
      opened.add(meta.firstSeq)
      return openBlock(meta, heads.get(meta.firstSeq), () => readBody(meta), cost, true)
    },
    bytesOf: (meta) => ({ head: heads.get(meta.firstSeq), body: readBody(meta) }),
  }
}

function loadIndex(store: ShardStore, usage: UsageLedger, sealedSeq: number): BlockIndex {
  const index = createBlockIndex()
  for (const { meta, createdMs, usage: counted } of store.loadBlocks(sealedSeq)) {
    if (meta.firstSeq <= sealedSeq) index.skipTo(meta.firstSeq - 1)
    else if (index.lastSeq() < sealedSeq) index.skipTo(sealedSeq)
    index.push(meta)
    if (counted !== null && meta.firstSeq > sealedSeq) usage.countStored(counted, meta.firstSeq, createdMs)
  }
  if (index.lastSeq() < sealedSeq) index.skipTo(sealedSeq)
  return index
}

/** Says which of the opened blocks is damaged and how; they are read once more, since an error alone does not tell. */
export function describeDamage(state: ShardState, error: BlockError): string {
  for (const firstSeq of state.opened) {
    const meta = state.index.find(firstSeq)
    if (meta === undefined) continue
    const reason = damageOf(() => state.open(meta, noReadCost()))
    if (reason !== undefined) return `${blockName(meta.firstSeq)}: ${reason}`
  }
  return error.message
}

/** What is wrong with a block, read whole; undefined when it is sound. */
export function damageOf(open: () => Block): string | undefined {
  try {
    const block = open()
    block.materialise(Array.from({ length: block.meta.rows }, (_, row) => row))
    block.release()
    return undefined
  } catch (error) {
    if (error instanceof BlockError) return error.message
    throw error
  }
}

function present(bytes: Uint8Array | undefined): Uint8Array {
  if (bytes === undefined) throw new BlockError('it is missing')
  return bytes
}
