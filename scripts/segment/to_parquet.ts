import { rmSync } from 'node:fs'
import { fileWriter } from 'hyparquet-writer'
import { noReadCost } from '../../src/engine/block/read_cost.ts'
import { noteBlock } from '../../src/engine/parquet/attribute_types.ts'
import type { AttributeTypes } from '../../src/engine/parquet/attribute_types.ts'
import { createParquetFile } from '../../src/engine/parquet/writer.ts'
import type { SegmentFile } from '../../src/engine/segment/types.ts'
import { rowsOf } from './rows.ts'

/**
 * Converts a segment, a few thousand rows in memory at a time; `progress` hears how many are written. Throws BlockError when it is
 * damaged, and then leaves no file.
 */
export function writeParquet(segment: SegmentFile, path: string, shard: number | undefined, progress: (rows: number) => void) {
  const types: AttributeTypes = new Map()
  for (const n of segment.index.blocks.keys()) noteBlock(types, segment.open(n, noReadCost()))
  const file = createParquetFile(types, fileWriter(path))
  try {
    let written = 0
    for (const rows of rowsOf(segment)) {
      file.add(rows.map((row) => ({ row, shard })))
      progress((written += rows.length))
    }
    return file.finish()
  } catch (error) {
    rmSync(path, { force: true })
    throw error
  }
}
