import { releaseBytes } from '../../../core/buffers.ts'
import { segmentMissingMs } from '../../../core/limits.ts'
import { blockName, BlockError } from '../../../engine/block/block_error.ts'
import { noReadCost } from '../../../engine/block/read_cost.ts'
import { openBlock } from '../../../engine/block/reader.ts'
import type { Block, BlockMeta, ReadCost } from '../../../engine/block/types.ts'
import type { Damage } from '../../../engine/query/types.ts'
import { readSegment } from '../../../engine/segment/reader.ts'
import { SegmentError } from '../../../engine/segment/segment_error.ts'
import type { SegmentMeta } from '../../../engine/segment/types.ts'
import { sha256Hex } from '../manifest_hash.ts'
import type { ShardState } from '../state.ts'
import { damageOf } from '../state.ts'
import type { JobContext } from './job.ts'

/** One block of a source; opening it anew costs decoding, not reading. */
export interface SourceBlock {
  meta: BlockMeta
  lastSeq: number
  open(cost: ReadCost): Block
}

/** A hot block or a segment whose rows a rewrite takes over. */
export interface Source {
  /** `blockName`, or the key of the segment. */
  name: string
  rows: number
  blocks: SourceBlock[]
  /** Frees what was read of it, if anything was; its blocks cannot be opened before it is restored. */
  release?: () => void
  /** Reads it again if it was released. Throws as `readSource`. */
  restore?: () => Promise<void>
}

/** A hot block, past the cache of heads that queries need. */
export function hotSource({ store }: ShardState, meta: BlockMeta): Source {
  const open = (cost: ReadCost) =>
    openBlock(meta, present(store.readHead(meta.firstSeq)), () => present(store.readBody(meta.firstSeq)), cost, true)
  return { name: blockName(meta.firstSeq), rows: meta.rows, blocks: [{ meta, lastSeq: meta.firstSeq + meta.rows - 1, open }] }
}

/**
 * A segment, read whole. Throws SegmentError when it is not what the manifest says it is: a rewrite must not sign what
 * somebody changed.
 */
export async function readSource(context: JobContext, meta: SegmentMeta): Promise<Source> {
  let bytes: Uint8Array | undefined = await readWhole(context, meta)
  let file = readSegment(bytes)
  const blocks = file.index.blocks.map((entry, n) => ({
    meta: entry.meta,
    lastSeq: entry.lastSeq,
    open: (cost: ReadCost) => file.open(n, cost),
  }))
  const release = () => {
    if (bytes !== undefined) releaseBytes(bytes)
    bytes = undefined
  }
  const restore = async () => {
    if (bytes !== undefined) return
    bytes = await readWhole(context, meta)
    file = readSegment(bytes)
  }
  return { name: meta.key, rows: meta.rows, blocks, release, restore }
}

async function readWhole(context: JobContext, meta: SegmentMeta): Promise<Uint8Array> {
  const bytes = await context.objects.read(meta.key, 0, meta.bytes)
  if (!isThere(context, meta.key, bytes)) throw new SegmentError('it is missing')
  if (sha256Hex(bytes) !== meta.sha256) throw new SegmentError(`its ${bytes.length} bytes are not those that were written`)
  return bytes
}

/**
 * One answer that an object is missing is not the end of it: the job is to be tried again until nobody has seen the object for
 * `segmentMissingMs`. Throws until then.
 */
function isThere({ state: { store }, now }: JobContext, key: string, bytes: Uint8Array | undefined): bytes is Uint8Array {
  const missing = new Map(store.loadMissing())
  const sinceMs = missing.get(key)
  if (bytes !== undefined || (sinceMs !== undefined && now() - sinceMs >= segmentMissingMs)) {
    if (missing.delete(key)) store.saveMissing([...missing])
    return bytes !== undefined
  }
  if (sinceMs === undefined) store.saveMissing([...missing, [key, now()]])
  throw new Error(`${key} cannot be found at the moment`)
}

/** Which of the sources are damaged; all of them are read whole. */
export async function findDamage({ yield: pause }: JobContext, sources: readonly Source[]): Promise<Damage[]> {
  const damaged: Damage[] = []
  for (const { name, blocks } of sources) {
    for (const { open } of blocks) {
      const reason = damageOf(() => open(noReadCost()))
      await pause()
      if (reason === undefined) continue
      damaged.push({ segment: name, reason })
      break
    }
  }
  return damaged
}

function present(bytes: Uint8Array | undefined): Uint8Array {
  if (bytes === undefined) throw new BlockError('it is missing')
  return bytes
}
