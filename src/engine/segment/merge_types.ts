import type { Bitmap } from '../bitmap.ts'
import type { Block, BlockMeta, ReadCost } from '../block/types.ts'
import type { SegmentBlock } from './types.ts'

/** One block that goes into a merge: hot, sealed, or made of patched rows. */
export interface MergeInput {
  meta: BlockMeta
  /** Greatest sequence number when rows are not consecutive; undefined means `firstSeq + rows - 1`. Checked on opening. */
  lastSeq?: number | undefined
  /** Called again whenever the merge comes back to a block that it had to let go. Give `cost` to `openBlock`. */
  open(cost: ReadCost): Block
  /** Rows to leave out: hidden by a patch, erased, expired. Asked once, when the block is first opened. */
  drop?: ((block: Block) => Bitmap | undefined) | undefined
  /** Called once all its rows are in the output or left out, and it is closed: it is not opened again. */
  done?: (() => void) | undefined
}

export interface MergeOptions {
  /** Times in milliseconds, ascending: no block of the output holds rows from before and from after one of them. */
  borders?: readonly number[] | undefined
  /** How often the inputs may be opened and read, on average, before it ends with MergeThrashError; undefined: as often as it takes. */
  readsMax?: number | undefined
}

/** So many inputs overlap in time that each is opened again and again: fewer of them together take far less work. */
export class MergeThrashError extends Error {
  constructor() {
    super('too many blocks overlap in time to be merged together')
    this.name = 'MergeThrashError'
  }
}

/** rowsIn = rowsDropped + rowsOut. */
export interface MergeSummary {
  rowsIn: number
  rowsDropped: number
  rowsOut: number
}

/**
 * Merges blocks into blocks of up to `segmentBlockRowsMax` rows in the order (ms, ns, seq); each row keeps its sequence
 * number and its times. Yields `undefined` where nothing is finished but the caller may pause: at least about every 100 ms.
 */
export type MergeSteps = Generator<SegmentBlock | undefined, MergeSummary, void>
