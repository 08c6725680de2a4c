import { BlockError } from '../../../src/engine/block/block_error.ts'
import type { Filter } from '../../../src/engine/query/ast.ts'
import { QueryTooSlowError } from '../../../src/engine/query/query_error.ts'
import type { ShardIdentity, TailBlock } from '../../../src/objects/log-shard/protocol.ts'

/** A row is its shard, its seq, and one of a few words; the query is such a word, or empty. */
export const wordOf = (shard: number, seq: number) => ['red', 'green', 'blue'][(seq * 7 + shard) % 3] ?? ''
export const matches = (q: string, shard: number, seq: number) => q === '' || q === wordOf(shard, seq)

/** A block of a shard without its bytes: its numbers say all of it. */
export interface FakeBlock {
  firstSeq: number
  rows: number
  damaged: boolean
}

export function tailBlock({ firstSeq, rows }: FakeBlock): TailBlock {
  const meta = { firstSeq, rows, minMs: 0, maxMs: 0, severityCounts: [0, 0, rows, 0, 0, 0], bytes: 0 }
  return { meta, head: new Uint8Array(), body: new Uint8Array() }
}

export function openFakeBlock(
  { identity: { shard }, blocks }: { identity: ShardIdentity; blocks: readonly FakeBlock[] },
  { meta }: TailBlock,
) {
  if (blocks.find(({ firstSeq }) => firstSeq === meta.firstSeq)?.damaged === true) throw new BlockError('damaged on purpose')
  const rows = Array.from({ length: meta.rows }, (_, row) => row)
  return {
    select(filter: Filter) {
      const word = wordOfFilter(filter)
      if (word === 'slow') throw new QueryTooSlowError()
      return rows.filter((row) => matches(word, shard, meta.firstSeq + row))
    },
    texts: (wanted: readonly number[]) => wanted.map((row) => `{"shard":${shard},"seq":${meta.firstSeq + row}}`),
    release: () => undefined,
  }
}

function wordOfFilter(filter: Filter): string {
  if (filter.kind === 'all') return ''
  if (filter.kind === 'phrase') return filter.text
  throw new Error(`the test has no filter ${filter.kind}`)
}
