import { mergeOpenBytesMax, mergeOpenInputsMax } from '../../core/limits.ts'
import { blockMemoryBytes } from '../block/block_memory.ts'
import type { Block, ReadCost } from '../block/types.ts'
import { systemColumns } from '../block/format.ts'
import { noReadCost } from '../block/read_cost.ts'
import type { MergeInput } from './merge_types.ts'
import { MergeThrashError } from './merge_types.ts'

/** The inputs that are open: those used last, at most `mergeOpenInputsMax`, as far as they fit `mergeOpenBytesMax`. */
export interface OpenInputs {
  /** Throws MergeThrashError when blocks were let go, only to be opened again, too often. */
  open(input: number): Block
  /** Bytes decompressed so far, of all inputs. */
  bytesRead(): number
  /** Closes an input of which nothing more is needed. */
  finish(input: number): void
  /** Closes all of them. */
  close(): void
}

interface OpenInput {
  block: Block
  cost: ReadCost
}

function memoryOf({ block, cost }: OpenInput): number {
  return blockMemoryBytes(block.attributes.length + systemColumns.length, block.meta.rows, cost.bytesDecompressed)
}

/** `readsMax` is how often the whole input may be read, on average. */
export function openInputs(inputs: readonly MergeInput[], readsMax = Infinity): OpenInputs {
  const opened = new Map<number, OpenInput>()
  /** The most that each input took when it was let go: reading it once. */
  const onceBytes = new Float64Array(inputs.length)
  const work = { once: 0, closed: 0 }
  let closedBytes = 0

  function release(input: number, entry: OpenInput, memory: number): void {
    opened.delete(input)
    entry.block.release()
    closedBytes += entry.cost.bytesDecompressed
    work.closed += memory
    work.once += Math.max(0, memory - onceBytes[input]!)
    onceBytes[input] = Math.max(onceBytes[input]!, memory)
  }

  /** Closes what was not used for longest. Blocks that are open grow, so there may be something to close at any time. */
  function makeRoom(inputsMax: number): void {
    let bytes = 0
    for (const entry of opened.values()) bytes += memoryOf(entry)
    for (const [input, entry] of opened) {
      if (bytes <= mergeOpenBytesMax && opened.size <= inputsMax) return
      const memory = memoryOf(entry)
      bytes -= memory
      release(input, entry, memory)
    }
  }

  function reopen(input: number): OpenInput {
    if (work.closed > readsMax * work.once) throw new MergeThrashError()
    const cost = noReadCost()
    return { block: inputs[input]!.open(cost), cost }
  }

  return {
    open(input) {
      const known = opened.get(input)
      opened.delete(input)
      makeRoom(mergeOpenInputsMax - 1)
      const entry = known ?? reopen(input)
      opened.set(input, entry)
      return entry.block
    },
    bytesRead() {
      let bytes = closedBytes
      for (const { cost } of opened.values()) bytes += cost.bytesDecompressed
      return bytes
    },
    finish(input) {
      const entry = opened.get(input)
      if (entry !== undefined) release(input, entry, memoryOf(entry))
      inputs[input]!.done?.()
    },
    close() {
      for (const [input, entry] of opened) release(input, entry, 0)
    },
  }
}
