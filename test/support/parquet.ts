import { gunzipSync } from 'node:zlib'
import { parquetMetadata, parquetRead } from 'hyparquet'
import type { FileMetaData } from 'hyparquet'

/** A Parquet file as another program reads it: its columns by name, its metadata, its rows as maps of their values. */
export async function readParquet(bytes: Uint8Array) {
  const { buffer } = new Uint8Array(bytes)
  const metadata: FileMetaData = parquetMetadata(buffer)
  const [root, ...elements] = metadata.schema
  if (root?.num_children !== elements.length) throw new Error('the schema is not flat')
  const names = elements.map(({ name }) => name)
  let rows: unknown[][] = []
  await parquetRead({
    file: buffer,
    metadata,
    compressors: { GZIP: (input) => gunzipSync(input) },
    // Times as the integers that they are stored as.
    parsers: {
      timestampFromMilliseconds: (ms: bigint) => ms,
      timestampFromMicroseconds: (us: bigint) => us,
      timestampFromNanoseconds: (ns: bigint) => ns,
      dateFromDays: (days: number) => days,
      stringFromBytes: (text?: Uint8Array) => text && new TextDecoder('utf-8', { ignoreBOM: true, fatal: true }).decode(text),
    },
    onComplete: (found) => (rows = found as unknown[][]),
  })
  return {
    metadata,
    columns: new Map(elements.map((element) => [element.name, element])),
    rows: rows.map((row) => new Map(names.map((name, i) => [name, row[i]]))),
  }
}
