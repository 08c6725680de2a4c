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
  const rows: EncodableRow[] = []
  decodeRecords(corpusLines(name), 'ndjson', receivedMs, {
    row: (row) => rows.push({ ...row, names: [...row.names], values: [...row.values] }),
    reject: (index, reason) => {
      throw new Error(`line ${index}: ${reason}`)
    },
  })
  return rows
}
