import { headCacheBytesMax } from '../../core/limits.ts'
import { BlockError } from '../../engine/block/block_error.ts'
import { noReadCost } from '../../engine/block/read_cost.ts'
import { openBlock } from '../../engine/block/reader.ts'
import type { Block, BlockMeta, ReadCost } from '../../engine/block/types.ts'
import type { BlockIndex } from './block_index.ts'
import { createBlockIndex } from './block_index.ts'
import type { HeadCache } from './head_cache.ts'
import { createHeadCache } from './head_cache.ts'
import type { KeyMemory } from './idempotency.ts'
import { createKeyMemory } from './idempotency.ts'
import type { Patches } from './patches.ts'
import { createPatches } from './patches.ts'
import type { ShardStore } from './store.ts'

/** What the shard holds in memory; all of it can be lost at any time and is built again from `store`. */
export interface ShardState {
  readonly store: ShardStore
  readonly index: BlockIndex
  readonly keys: KeyMemory
  readonly heads: HeadCache
  readonly patches: Patches
  /** Opens a stored block; what is read is added to `cost`. Throws BlockError, now or later, when it is damaged. */
  open(meta: BlockMeta, cost: ReadCost): Block
  /** First seqs of the blocks that the operation at work has opened; one of them is at fault when it meets damage. */
  readonly opened: Set<number>
  /** The stored bytes of a block. */
  bytesOf(meta: BlockMeta): { head: Uint8Array; body: Uint8Array }
}

/** What the shard's SQLite says, read when the object wakes. */
export function loadState(store: ShardStore, now: () => number): ShardState {
  const index = createBlockIndex()
  const keys = createKeyMemory(store)
  for (const { meta, createdMs, keyHash } of store.loadBlocks()) {
    index.push(meta)
    if (keyHash !== null) keys.remember(keyHash, meta.firstSeq, createdMs, now())
  }
  const heads = createHeadCache(headCacheBytesMax, (firstSeq) => present(store.readHead(firstSeq)))
  const opened = new Set<number>()
  const readBody = (meta: BlockMeta) => present(store.readBody(meta.firstSeq))
  return {
    store,
    index,
    keys,
    heads,
    patches: createPatches(store, now),
    opened,
    open(meta, cost) {
      opened.add(meta.firstSeq)
      return openBlock(meta, heads.get(meta.firstSeq), () => readBody(meta), cost)
    },
    bytesOf: (meta) => ({ head: heads.get(meta.firstSeq), body: readBody(meta) }),
  }
}

/** Says which of the opened blocks is damaged and how; they are read once more, since an error alone does not tell. */
export function describeDamage(state: ShardState, error: BlockError): string {
  for (const firstSeq of state.opened) {
    const meta = state.index.find(firstSeq)
    if (meta === undefined) continue
    try {
      const block = state.open(meta, noReadCost())
      block.materialise(Array.from({ length: meta.rows }, (_, row) => row))
    } catch (found) {
      if (found instanceof BlockError) return `block ${meta.firstSeq}: ${found.message}`
      throw found
    }
  }
  return error.message
}

function present(bytes: Uint8Array | undefined): Uint8Array {
  if (bytes === undefined) throw new BlockError('it is missing')
  return bytes
}
