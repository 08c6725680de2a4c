import { readFileSync } from 'node:fs'
import { BlockError } from '../src/engine/block/block_error.ts'
import { ndjsonLine } from '../src/engine/log_json.ts'
import { readSegment } from '../src/engine/segment/reader.ts'
import type { SegmentFile } from '../src/engine/segment/types.ts'
import { bar, CommandError, main, progressLine, thousands } from './dev/terminal.ts'
import { describeSegment } from './segment/describe.ts'
import { parseOptions } from './segment/options.ts'
import { printSegment } from './segment/print.ts'
import { firstRows } from './segment/rows.ts'
import { writeParquet } from './segment/to_parquet.ts'

/** `npm run segment`: what is in a segment file, read page by page, so that damage anywhere in it is found. */
await main(async () => {
  const options = parseOptions(process.argv.slice(2))
  if (options === undefined) return 0
  const { file, json, rows, toParquet, shard } = options
  const bytes = readFile(file)
  const segment = open(file, bytes)
  // Damage beyond the directory does not hide the directory.
  const description = describeSegment(segment, bytes)
  console.log(json ? JSON.stringify(description, null, 2) : printSegment(file, description))
  for (const row of undamaged(file, () => firstRows(segment, rows))) process.stdout.write(ndjsonLine(row))
  if (toParquet !== undefined) {
    const line = progressLine()
    const progress = (done: number) => line.update(() => `${bar(done, description.rows)}${thousands(done)} rows`)
    const written = undamaged(file, () => writeParquet(segment, toParquet, shard, progress))
    line.end()
    console.error(`Wrote ${written.rows} rows with ${written.columns} columns in ${written.groups} row groups to ${toParquet}.`)
  }
  if (description.damaged === 0) return 0
  console.error(`\nColumns that cannot be read: ${description.damaged}; see "damaged" above.`)
  return 1
})

function readFile(file: string): Uint8Array {
  try {
    return readFileSync(file)
  } catch (error) {
    throw new CommandError(`${file} cannot be read: ${(error as Error).message}.`, 'Give the path of a segment file (.seg).')
  }
}

function open(file: string, bytes: Uint8Array): SegmentFile {
  return undamaged(file, () => readSegment(bytes))
}

function undamaged<T>(file: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    throw new CommandError(
      `${file} is no segment of Edgelog, or a damaged one: ${error.reason}.`,
      'Give an object of R2 as it was stored (.seg); npm run verify-segments tells which objects are whole.',
    )
  }
}
