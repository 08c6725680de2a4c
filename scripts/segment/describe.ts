import { createHash } from 'node:crypto'
import { severities } from '../../src/core/severity.ts'
import { BlockError } from '../../src/engine/block/block_error.ts'
import { systemColumns } from '../../src/engine/block/format.ts'
import { noReadCost } from '../../src/engine/block/read_cost.ts'
import type { Column, StoredBlock } from '../../src/engine/block/types.ts'
import { filterPartitions } from '../../src/engine/encode/bloom.ts'
import type { SegmentFile } from '../../src/engine/segment/types.ts'

export type SegmentDescription = ReturnType<typeof describeSegment>
export type BlockDescription = SegmentDescription['list'][number]
export type ColumnDescription = BlockDescription['columns'][number]

/** The directory of a segment as plain data. Every page is read, and what is damaged is told where it stands. */
export function describeSegment({ meta, index, open }: SegmentFile, bytes: Uint8Array) {
  const list = index.blocks.map((entry, n) => {
    const columns = columnsOf(open(n, noReadCost()))
    const { bodyStart, bodyBytes, rawBytes, meta: block } = entry
    return { rows: block.rows, ...times(block), seq: [block.firstSeq, entry.lastSeq], bodyStart, bodyBytes, rawBytes, columns }
  })
  const filters = Array.from({ length: filterPartitions }, (_, partition) => index.partitionRange(partition))
  return {
    bytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    rows: meta.rows,
    blocks: meta.blocks,
    ...times(meta),
    received: [new Date(meta.minCreatedMs).toISOString(), new Date(meta.maxCreatedMs).toISOString()],
    seq: [meta.minSeq, meta.maxSeq],
    severities: Object.fromEntries(severities.flatMap((name, i) => (meta.severityCounts[i] ? [[name, meta.severityCounts[i]]] : []))),
    rawBytes: meta.rawBytes,
    indexBytes: meta.indexBytes,
    filterPartitions: filters.filter(({ start, end }) => end > start).length,
    filterBytes: filters.reduce((sum, { start, end }) => sum + end - start, 0),
    damaged: list.reduce((sum, { columns }) => sum + columns.filter(({ damaged }) => damaged !== undefined).length, 0),
    list,
  }
}

function times({ minMs, maxMs }: { minMs: number; maxMs: number }) {
  return { from: new Date(minMs).toISOString(), to: new Date(maxMs).toISOString() }
}

function columnsOf(block: StoredBlock) {
  const system = systemColumns.map((name) => block.system(name))
  return [...system, ...block.attributes].map((column) => ({
    name: column.name,
    system: column.system,
    values: column.count,
    rawBytes: column.rawBytes,
    ...contentOf(column),
    ...(column.range !== undefined && { min: column.range.min, max: column.range.max }),
  }))
}

/** How a column is encoded, from reading it whole. */
function contentOf(column: Column): { encoding: string; type: string; distinct?: number; damaged?: string } {
  try {
    column.presence()
    const data = column.data()
    if (data.kind === 'constant') return { encoding: 'constant', type: typeof data.value, distinct: 1 }
    if (data.kind === 'dictionary') return { encoding: 'dictionary', type: typesOf(data.values), distinct: data.values.length }
    if (data.kind === 'mixed') return { encoding: 'plain', type: typesOf(data.values) }
    return { encoding: 'plain', type: data.kind === 'number' ? 'number' : 'string' }
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    return { encoding: '?', type: '?', damaged: error.reason }
  }
}

function typesOf(values: readonly unknown[]): string {
  return [...new Set(values.map((value) => typeof value))].sort().join(' and ')
}
