import { scanOpenBytesMax } from '../../core/limits.ts'
import type { Filter } from '../query/ast.ts'
import type { SealedBlock, SealedEntry } from './scan_blocks.ts'
import { openEntry } from './scan_blocks.ts'
import type { ScanRun } from './scan_run.ts'

/** Blocks that stay open, with what was read and decoded of them; the least recently used ones are closed first. */
export type OpenBlocks = ReturnType<typeof createOpenBlocks>

export function createOpenBlocks(run: ScanRun, filter: Filter) {
  /** In the order of use. */
  const open = new Map<SealedEntry, SealedBlock>()
  let bytes = 0

  function keep(sealed: SealedBlock): void {
    open.set(sealed.place, sealed)
    bytes += sealed.memoryBytes
  }

  /** Closes the least recently used ones; nobody is at work on any of them. */
  function trim(bytesMax = scanOpenBytesMax): void {
    for (const [place, { block, memoryBytes }] of open) {
      if (bytes <= bytesMax) return
      open.delete(place)
      bytes -= memoryBytes
      block.release()
    }
  }

  return {
    keep,
    trim,
    close: () => trim(-1),

    /** Releases a block unless it was kept. */
    drop({ place, block }: SealedBlock): void {
      if (!open.has(place)) block.release()
    },

    /** The block, opened anew when it was closed, until the next `trim`; undefined when it is damaged. */
    async get(place: SealedEntry): Promise<SealedBlock | undefined> {
      const known = open.get(place)
      if (known !== undefined) {
        open.delete(place)
        open.set(place, known)
        return known
      }
      const sealed = await openEntry(run, place, filter)
      if (sealed !== undefined) keep(sealed)
      return sealed
    },
  }
}
