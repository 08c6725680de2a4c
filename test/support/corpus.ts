import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { zstdDecompressSync } from 'node:zlib'
import type { EncodableRow } from '../../src/engine/row.ts'
import { decodeRecords } from '../../src/ingest/decode.ts'
import { receivedMs } from './rows.ts'

export type CorpusName = 'nginx-access' | 'pino'

/** 2,000 real log lines, as bytes. */
export function corpusLines(name: CorpusName): Buffer {
  return zstdDecompressSync(readFileSync(fileURLToPath(new URL(`../corpus/${name}.ndjson.zst`, import.meta.url).href)))
}

/** The same lines as rows. */
export function corpusRows(name: CorpusName): EncodableRow[] {
  return rowsOfLines(corpusLines(name))
}

/** Lines of NDJSON of any length as rows, as ingest makes them. */
export function rowsOfLines(lines: Buffer): EncodableRow[] {
  const rows: EncodableRow[] = []
  for (let start = 0; start < lines.length;) {
    // In parts, as no request has more.
    const end = start + 2 ** 23 >= lines.length ? lines.length : lines.lastIndexOf(0x0a, start + 2 ** 23) + 1
    decodeRecords(lines.subarray(start, end), 'ndjson', receivedMs, {
      row: (row) => rows.push({ ...row, names: [...row.names], values: [...row.values] }),
      reject: (index, reason) => {
        throw new Error(`line ${index}: ${reason}`)
      },
    })
    start = end
  }
  return rows
}
