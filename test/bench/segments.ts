import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { zstdDecompressSync } from 'node:zlib'
import { sealBytesDefault } from '../../src/core/limits.ts'
import { openBlock } from '../../src/engine/block/reader.ts'
import type { Operation } from '../../src/engine/query/types.ts'
import { mergeBlocks } from '../../src/engine/segment/merge.ts'
import { runScan } from '../../src/engine/segment/scan_call.ts'
import type { ScanReply } from '../../src/engine/segment/scan_call.ts'
import { createSegmentCaches, createSegmentReader } from '../../src/engine/segment/scan_reader.ts'
import type { SegmentMeta } from '../../src/engine/segment/types.ts'
import { createSegmentWriter } from '../../src/engine/segment/writer.ts'
import { decodeBatches, encodeAll, sizeOf, store } from './engine.ts'
import type { Stored } from './engine.ts'
import { type Figure, median, timed } from './figures.ts'
import { jsonLines } from './lines.ts'
import { rareWord } from './volume.ts'

const rounds = 3
const range = { fromMs: 0, toMs: 10 ** 13 }

interface Sealed {
  metas: SegmentMeta[]
  objects: Map<string, Uint8Array>
}

/** Real logs: whole where somebody has them, else the parts of them that are kept with the tests. */
const corpora = [
  { whole: 'nginx-access.json.log.zst', part: 'nginx-access.ndjson.zst' },
  { whole: 'pino.json.log.zst', part: 'pino.ndjson.zst' },
]

/** Stored size of the real logs against their raw NDJSON, fresh and sealed. */
export function measureSize(nowMs: number): Figure[] {
  return corpora.flatMap(({ whole, part }): Figure[] => {
    const path = join(process.env['EDGELOG_CORPUS'] ?? join('..', 'shared', 'corpus'), whole)
    const [name, file] = existsSync(path) ? [whole, path] : [part, join('test', 'corpus', part)]
    const raw = zstdDecompressSync(readFileSync(file))
    const blocks = encodeAll(decodeBatches(raw.toString('utf8').split('\n').filter(Boolean), nowMs), nowMs)
    const sealed = seal(store(blocks)).metas.reduce((sum, { bytes }) => sum + bytes, 0)
    return [
      { name: `raw over stored, ${name}, fresh in batches of 2,000`, value: raw.length / sizeOf(blocks), unit: 'times' },
      { name: `raw over stored, ${name}, sealed`, value: raw.length / sealed, unit: 'times', target: 12, higherIsBetter: true },
    ]
  })
}

/** What sealing and reading segments takes, in one process without network: the engine's own speed, and its memory. */
export async function measureSegments(nowMs: number): Promise<Figure[]> {
  const rows = 500_000
  const lines = jsonLines(rows, nowMs, 11)
  lines[rows / 2] = JSON.stringify({ timestamp: new Date(nowMs + rows).toISOString(), level: 'error', message: `found ${rareWord}` })
  const blocks = store(encodeAll(decodeBatches(lines, nowMs), nowMs))
  lines.length = 0
  const part = firstBytes(blocks, sealBytesDefault)
  const sealing: number[] = []
  for (let round = 0; round < rounds; round++) sealing.push(part.rows / (await timed(() => seal(part.blocks))))
  const sealMemory = await peakOf((note) => void seal(part.blocks, note))
  const sealed = seal(blocks)
  const texts: number[] = []
  const words: number[] = []
  let rare: ScanReply | undefined
  for (let round = 0; round < rounds; round++) {
    // All three words stand in every block, so no filter helps: each message is decompressed and read.
    texts.push(await timed(() => scan(sealed, 'message:"finished in 17"', { kind: 'count' })))
    words.push(await timed(async () => (rare = await scan(sealed, rareWord, { kind: 'count' }))))
  }
  const chart = done(await scan(sealed, '', { kind: 'histogram', bucketMs: 7 * 86_400_000 }))
  const { cost } = done(rare)
  const scanMemory = await peakOf((note) => scan(sealed, 'message:"finished in 17"', { kind: 'count' }, note))
  const pageMemory = await peakOf((note) => scan(sealed, 'message:finished', { kind: 'search', order: 'newest', limit: 500 }, note))
  return [
    { name: 'seal 16 MiB of blocks into a segment', value: median(sealing) * 1000, unit: 'rows/s' },
    {
      name: 'text scan over segments, every message read',
      value: (rows / median(texts)) * 1000,
      unit: 'rows/s',
      target: 3e6,
      higherIsBetter: true,
    },
    // These two are held against their targets in ten million rows; here are few blocks.
    { name: 'segment blocks that a rare word decompresses', value: (cost.blocksRead / cost.blocksConsidered) * 100, unit: '%' },
    { name: 'text scan over segments against rare word', value: median(texts) / median(words), unit: 'times' },
    {
      name: 'bytes decompressed by a histogram whose buckets hold whole blocks',
      value: chart.cost.bytesDecompressed,
      unit: 'bytes',
      target: 0,
      higherIsBetter: false,
    },
    { name: 'memory of a seal above its input', value: sealMemory, unit: 'MB', target: 100, higherIsBetter: false },
    { name: 'memory of a full scan', value: scanMemory, unit: 'MB', target: 100, higherIsBetter: false },
    { name: 'memory of a search for 500 rows', value: pageMemory, unit: 'MB', target: 100, higherIsBetter: false },
  ]
}

/** Blocks from the first one on that take so many bytes: what one seal gets. */
function firstBytes(blocks: readonly Stored[], bytesMax: number): { blocks: Stored[]; rows: number } {
  let bytes = 0
  const taken = blocks.filter(({ meta }) => (bytes += meta.bytes) <= bytesMax)
  return { blocks: taken, rows: taken.reduce((sum, { meta }) => sum + meta.rows, 0) }
}

/** Merges blocks into segments of about 16 MiB, as a shard does; `note` is called at each pause. */
function seal(blocks: readonly Stored[], note: () => void = () => {}): Sealed {
  const inputs = blocks.map(({ meta, head, body }) => ({
    meta,
    open: (cost: Parameters<typeof openBlock>[3]) => openBlock(meta, head, () => body, cost),
  }))
  const sealed: Sealed = { metas: [], objects: new Map() }
  const writer = createSegmentWriter()
  const finish = () => {
    const { bytes, meta } = writer.finish()
    const key = `org/bench/weur/2026/11/22/1-${meta.minSeq}-${meta.rows}-1.seg`
    sealed.metas.push({ ...meta, key, sha256: '' })
    sealed.objects.set(key, bytes)
  }
  let open = 0
  for (const block of mergeBlocks(inputs, {})) {
    note()
    if (block === undefined) continue
    writer.add(block)
    open += 1
    if (writer.bytes < sealBytesDefault) continue
    finish()
    open = 0
  }
  if (open > 0) finish()
  note()
  return sealed
}

/** A scan with empty caches, as the first query of an isolate has them. */
function scan({ metas, objects }: Sealed, q: string, operation: Operation, note: () => void = () => {}): Promise<ScanReply> {
  const read = async (key: string, start: number, end: number) => {
    note()
    return objects.get(key)?.slice(start, end)
  }
  const parts = [{ shard: 1, segments: metas, maxSeq: Number.MAX_SAFE_INTEGER, hidden: [], erasures: [] }]
  const call = { organizationId: 'bench', q, range, keepFromMs: 0, parts, operation, budgetBytes: Number.MAX_SAFE_INTEGER }
  return runScan(call, createSegmentReader({ read }, createSegmentCaches()))
}

function done(reply: ScanReply | undefined): Exclude<ScanReply, { tooSlow: string }> {
  if (reply === undefined || 'tooSlow' in reply) throw new Error('the scan has no answer')
  return reply
}

/**
 * The most that `work` takes, in MB of heap and buffers together, above what there was before: measured after a collection
 * at each pause of the work, so that garbage does not count.
 */
async function peakOf(work: (note: () => void) => unknown): Promise<number> {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const used = () => {
    // Buffers are freed after the collection that finds them unused.
    collect()
    collect()
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    return heapUsed + arrayBuffers
  }
  used()
  await new Promise((resolve) => setImmediate(resolve))
  const before = used()
  let peak = before
  await work(() => (peak = Math.max(peak, used())))
  return (peak - before) / 2 ** 20
}
