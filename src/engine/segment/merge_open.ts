import { mergeOpenBytesMax } from '../../core/limits.ts'
import type { Block, ReadCost } from '../block/types.ts'
import { noReadCost } from '../block/read_cost.ts'
import type { MergeInput } from './merge_types.ts'

/** The inputs that are open: those used last, as far as what was decompressed of them fits `mergeOpenBytesMax`. */
export interface OpenInputs {
  open(input: number): Block
  /** Bytes decompressed so far, of all inputs. */
  bytesRead(): number
}

export function openInputs(inputs: readonly MergeInput[]): OpenInputs {
  const opened = new Map<number, { block: Block; cost: ReadCost }>()
  let closedBytes = 0
  const openBytes = () => {
    let sum = 0
    for (const { cost } of opened.values()) sum += cost.bytesDecompressed
    return sum
  }

  /** Closes what was not used for longest. Blocks that are open grow, so there may be something to close at any time. */
  function makeRoom(): void {
    let excess = openBytes() - mergeOpenBytesMax
    for (const [input, { cost }] of opened) {
      if (excess <= 0) return
      opened.delete(input)
      closedBytes += cost.bytesDecompressed
      excess -= cost.bytesDecompressed
    }
  }

  return {
    open(input) {
      let entry = opened.get(input)
      opened.delete(input)
      makeRoom()
      if (entry === undefined) {
        const cost = noReadCost()
        entry = { block: inputs[input]!.open(cost), cost }
      }
      opened.set(input, entry)
      return entry.block
    },
    bytesRead: () => closedBytes + openBytes(),
  }
}
