import { readHead, writeHead } from '../../src/engine/block/head.ts'
import type { BlockMeta } from '../../src/engine/block/types.ts'

/** A head, right in all its checksums, that states another smallest number for its column of times than the rows have. */
export function forgedHead(head: Uint8Array, meta: BlockMeta, column: 'timestamp' | 'created'): Uint8Array {
  const { directory, bodyBytes, blooms } = readHead(head)
  const layout = directory.columns.find(({ system }) => system === column)?.layout
  if (layout?.kind !== 'plain' || layout.list.kind !== 'numbers') throw new TypeError(`${column} is no plain column of numbers`)
  layout.list.min -= 1
  const forged = writeHead(meta, bodyBytes, directory, blooms && [blooms])
  if (forged.length !== head.length) throw new RangeError('the forged head has another length')
  return forged
}
