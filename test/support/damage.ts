import { BlockError } from '../../src/engine/block/block_error.ts'
import type { Block } from '../../src/engine/block/types.ts'
import { allRows } from './rows.ts'

/** Reads all there is to read of a block. */
export function readBlock(block: Block): void {
  allRows(block)
  for (const column of [...block.attributes, block.system('severity'), block.system('seq'), block.system('message')]) {
    column.data()
    column.presence()
    column.mayHaveToken('a')
  }
}

/** What else a read threw than a BlockError, which is the one allowed way to fail. */
export function otherError(read: () => void): unknown {
  try {
    read()
    return undefined
  } catch (error) {
    return error instanceof BlockError ? undefined : error
  }
}
