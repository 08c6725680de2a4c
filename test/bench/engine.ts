import { openBlock } from '../../src/engine/block/reader.ts'
import type { BlockMeta, EncodedBlock } from '../../src/engine/block/types.ts'
import { stampFirstSeq } from '../../src/engine/block/head.ts'
import { createBlockBuilder } from '../../src/engine/block/writer.ts'
import { aggregateBlocks } from '../../src/engine/query/aggregate_blocks.ts'
import { parseQuery } from '../../src/engine/query/parser.ts'
import type { BlockSource, Counted, Scanned } from '../../src/engine/query/types.ts'
import type { EncodableRow } from '../../src/engine/row.ts'
import { decodeRecords } from '../../src/ingest/decode.ts'
import { type Figure, median, timed } from './figures.ts'
import { jsonLines } from './lines.ts'

const batchRows = 2000
const rounds = 5

function reject(index: number, reason: string): never {
  throw new Error(`record ${index} was rejected: ${reason}`)
}

function bodiesOf(lines: readonly string[]): Buffer[] {
  const bodies: Buffer[] = []
  for (let i = 0; i < lines.length; i += batchRows) bodies.push(Buffer.from(lines.slice(i, i + batchRows).join('\n')))
  return bodies
}

/** The decoder uses one row object again and again, so each row is copied. */
export function decodeBatches(lines: readonly string[], nowMs: number): EncodableRow[][] {
  return bodiesOf(lines).map((body) => {
    const rows: EncodableRow[] = []
    decodeRecords(body, 'ndjson', nowMs, { row: (row) => rows.push({ ...row, names: [...row.names], values: [...row.values] }), reject })
    return rows
  })
}

export function encodeAll(batches: readonly EncodableRow[][], nowMs: number): EncodedBlock[] {
  return batches.flatMap((rows) => {
    const builder = createBlockBuilder(nowMs)
    for (const row of rows) builder.add(row)
    return builder.finish()
  })
}

export function sizeOf(blocks: readonly EncodedBlock[]): number {
  return blocks.reduce((sum, { head, body }) => sum + head.length + body.length, 0)
}

/** Rows a second of decoding NDJSON alone, and of encoding blocks alone. */
export async function measureEncode(nowMs: number): Promise<Figure[]> {
  const lines = jsonLines(100_000, nowMs, 7)
  const bodies = bodiesOf(lines)
  const batches = decodeBatches(lines, nowMs)
  const decoding: number[] = []
  const encoding: number[] = []
  let bytes = 0
  for (let round = 0; round < rounds; round++) {
    decoding.push(
      lines.length / (await timed(() => bodies.forEach((body) => decodeRecords(body, 'ndjson', nowMs, { row: () => {}, reject })))),
    )
    encoding.push(lines.length / (await timed(() => (bytes = sizeOf(encodeAll(batches, nowMs))))))
  }
  return [
    { name: 'decode and normalise NDJSON, 230-byte lines', value: median(decoding) * 1000, unit: 'rows/s' },
    { name: 'encode blocks of 2,000 rows', value: median(encoding) * 1000, unit: 'rows/s', target: 250_000, higherIsBetter: true },
    { name: 'stored bytes a row, 230-byte lines with random ids', value: bytes / lines.length, unit: 'bytes' },
  ]
}

export interface Stored {
  meta: BlockMeta
  head: Uint8Array
  body: Uint8Array
}

/** Gives blocks their sequence numbers, as a shard does. */
export function store(blocks: readonly EncodedBlock[]): Stored[] {
  let seq = 1
  return blocks.map(({ meta, head, body }) => {
    const stored = { meta: { ...meta, firstSeq: seq }, head: stampFirstSeq(head, seq), body }
    seq += meta.rows
    return stored
  })
}

function count(stored: readonly Stored[], q: string): Scanned<Counted> {
  const sources: BlockSource[] = stored.map(({ meta, head, body }) => ({ meta, open: (cost) => openBlock(meta, head, () => body, cost) }))
  const range = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER }
  const scope = { shard: 1, range, maxSeq: Number.MAX_SAFE_INTEGER, keepFromMs: 0, erasures: [], budgetBytes: Number.MAX_SAFE_INTEGER }
  return aggregateBlocks(sources, parseQuery(q), scope, { kind: 'count' })
}

/** Full text scans over decompressing pages, and what a rare word costs beside them. */
export async function measureScan(nowMs: number): Promise<Figure[]> {
  const rows = 500_000
  const lines = jsonLines(rows, nowMs, 11)
  const rare = 'pangolin31337'
  lines[rows / 2] = JSON.stringify({
    timestamp: new Date(nowMs + rows).toISOString(),
    level: 'error',
    service: 'api',
    message: `found ${rare}`,
  })
  const stored = store(encodeAll(decodeBatches(lines, nowMs), nowMs))
  const scans: number[] = []
  const floods: number[] = []
  const words: number[] = []
  let found: Scanned<Counted> | undefined
  for (let round = 0; round < rounds; round++) {
    // All three words stand in every block, so no filter helps: each message is decompressed and read.
    scans.push(await timed(() => count(stored, 'message:"finished in 17"')))
    floods.push(await timed(() => count(stored, 'message:finished')))
    words.push(await timed(() => (found = count(stored, rare))))
  }
  if (found?.result.count !== 1) throw new Error(`the rare word was found ${found?.result.count} times`)
  const skipped = (found.cost.blocksConsidered - found.cost.blocksRead) / found.cost.blocksConsidered
  return [
    {
      name: `text scan, every message read, few match, ${rows} rows`,
      value: (rows / median(scans)) * 1000,
      unit: 'rows/s',
      target: 3_000_000,
      higherIsBetter: true,
    },
    { name: 'text scan, every message matches', value: (rows / median(floods)) * 1000, unit: 'rows/s' },
    { name: 'blocks a rare word never decompresses', value: skipped * 100, unit: '%', target: 95, higherIsBetter: true },
    // Opening 250 heads of small blocks is most of it: the target holds for sealed blocks, in volume_queries.ts.
    { name: 'text scan against rare word', value: median(scans) / median(words), unit: 'times' },
  ]
}
