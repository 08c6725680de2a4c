import { gzipSync } from 'node:zlib'
import { ParquetWriter } from 'hyparquet-writer'
import type { Writer } from 'hyparquet-writer'
import { parquetCellsMax, parquetGroupRowsMax } from '../../core/limits.ts'
import type { AttributeTypes } from './attribute_types.ts'
import { parquetColumns } from './columns.ts'
import type { ParquetColumn, ParquetRow } from './columns.ts'

/** Raw bytes of a page: a reader decompresses little to see a few rows. */
const pageBytes = 128 * 1024

/**
 * A Parquet file, row group by row group. `types` names every attribute of the rows to come, with its type: Parquet wants
 * them first. Pages are compressed with gzip: every reader has it, and zstd in workerd cannot make every frame.
 */
export function createParquetFile(types: AttributeTypes, writer: Writer) {
  const columns = parquetColumns(types)
  const root = { name: 'log', num_children: columns.length }
  const file = new ParquetWriter({
    writer,
    schema: [root, ...columns.map(({ element }) => element)],
    codec: 'GZIP',
    compressors: { GZIP: (raw) => gzipSync(raw, { level: 4 }) },
    createdBy: 'edgelog',
  })
  const groupRows = Math.max(1, Math.min(parquetGroupRowsMax, Math.floor(parquetCellsMax / columns.length)))
  return {
    /** Adds rows in their order. The writer must not wait: ours is memory, or a file that is written at once. */
    add(rows: readonly ParquetRow[]): void {
      for (let start = 0; start < rows.length; start += groupRows) addGroup(file, columns, rows.slice(start, start + groupRows))
    },
    /** Ends the file and tells what it holds; `writer` has its bytes. */
    finish() {
      void file.finish()
      return { rows: Number(file.num_rows), columns: columns.length, groups: file.row_groups.length }
    },
  }
}

function addGroup(file: ParquetWriter, columns: readonly ParquetColumn[], rows: readonly ParquetRow[]): void {
  const columnData = columns.map(({ element, encoding, value }) => ({
    name: element.name,
    data: rows.map(value),
    ...(encoding !== undefined && { encoding }),
  }))
  void file.write({ columnData, rowGroupSize: rows.length, pageSize: pageBytes })
}
