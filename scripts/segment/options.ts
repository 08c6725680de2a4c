import { shardNumberMax } from '../../src/core/limits.ts'
import { parseFlags, usageError } from '../dev/terminal.ts'

export interface SegmentOptions {
  file: string
  rows: number
  json: boolean
  toParquet: string | undefined
  /** Number of the shard that the rows are of: from it come their ids. */
  shard: number | undefined
}

const usage = `Shows what a segment file holds, and checks all of it.

  npm run segment -- [options] FILE

  --rows N            also print the first N rows, one line of JSON each (default 0)
  --json              print the directory as JSON
  --to-parquet OUT    write all rows to a Parquet file, for DuckDB, Spark or ClickHouse
  --shard N           number of the shard, for the ids in the Parquet file (default: from the file's name)

Parquet columns: timestamp (UTC, microseconds) and timestamp_nanos (the rest), severity, source, message, created_at,
updated_at, id, seq, and one for each attribute: DOUBLE, BOOLEAN or STRING; attributes of mixed types are STRING.
Exit code: 0 when everything could be read, 1 when something is damaged.`

const flags = {
  rows: { type: 'string', default: '0' },
  json: { type: 'boolean', default: false },
  'to-parquet': { type: 'string' },
  shard: { type: 'string' },
} as const

/** What the command line says; undefined when help was asked for. */
export function parseOptions(args: string[]): SegmentOptions | undefined {
  const line = parseFlags(usage, { args, options: flags, allowPositionals: true })
  if (line === undefined) return undefined
  const { values, positionals } = line
  const [file, ...more] = positionals
  if (file === undefined || more.length > 0) throw usageError(usage, 'Give one file.')
  return {
    file,
    rows: wholeNumber('rows', values.rows, 1e9),
    json: values.json,
    toParquet: values['to-parquet'],
    shard: values.shard === undefined ? shardOf(file) : wholeNumber('shard', values.shard, shardNumberMax),
  }
}

/** Objects are named `<shard>-<first seq>-<rows>-<operation>-<hash>.seg`. */
export function shardOf(file: string): number | undefined {
  const digits = /(?:^|[\\/])(\d{1,5})-\d+-\d+-\d+(?:-[\da-f]+)?\.seg$/.exec(file)?.[1]
  return digits === undefined || Number(digits) > shardNumberMax ? undefined : Number(digits)
}

function wholeNumber(name: string, text: string, most: number): number {
  if (!/^\d+$/.test(text) || Number(text) > most) throw usageError(usage, `--${name} must be a whole number from 0 to ${most}.`)
  return Number(text)
}
