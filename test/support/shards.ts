import fc from 'fast-check'
import { stampFirstSeq } from '../../src/engine/block/head.ts'
import { openBlock } from '../../src/engine/block/reader.ts'
import type { BlockSource, Scope } from '../../src/engine/query/types.ts'
import type { EncodableRow, StoredRow } from '../../src/engine/row.ts'
import { allRows, encodeRows, newCost, openEncoded, receivedMs, row } from './rows.ts'

/** A shard as queries see it: its blocks, and the same rows as a plain list. */
export interface TestShard {
  shard: number
  sources: BlockSource[]
  rows: StoredRow[]
}

/** Blocks of consecutive rows from sequence number 1 on; `patches` replace rows (null: deletes them) in an overlay. */
export function testShard(
  shard: number,
  batches: readonly EncodableRow[][],
  patches: ReadonlyMap<number, EncodableRow | null> = new Map(),
): TestShard {
  const hidden = Array.from(patches.keys()).sort((a, b) => a - b)
  const sources: BlockSource[] = []
  let seq = 1
  for (const { meta, head, body } of batches.flatMap((batch) => encodeRows(batch))) {
    const stamped = { ...meta, firstSeq: seq }
    const stampedHead = stampFirstSeq(head, seq)
    const inBlock = hidden.filter((each) => each >= stamped.firstSeq && each < stamped.firstSeq + meta.rows)
    sources.push({
      meta: stamped,
      open: (cost) => openBlock(stamped, stampedHead, () => body, cost),
      hidden: inBlock.length > 0 ? inBlock : undefined,
    })
    seq += meta.rows
  }
  const rows = sources.flatMap(({ open }) => allRows(open(newCost()))).filter((each) => !patches.has(each.seq))
  const edited = hidden.filter((each) => patches.get(each) && each < seq)
  const overlay = encodeRows(
    edited.map((each) => patches.get(each)!),
    (i) => ({ seq: edited[i]! }),
  )
  for (const encoded of overlay) {
    const overlaid = allRows(openEncoded(encoded))
    rows.push(...overlaid)
    sources.push({ meta: encoded.meta, open: (cost) => openEncoded(encoded, cost), lastSeq: overlaid.at(-1)?.seq })
  }
  return { shard, sources, rows }
}

/** Everything in the shard, without a budget, but for what `given` says. */
export function scopeOf({ shard }: TestShard, given: Partial<Scope> = {}): Scope {
  return { shard, range: { fromMs: 0, toMs: 10 ** 13 }, maxSeq: 2 ** 48 - 1, keepFromMs: 0, erasures: [], budgetBytes: Infinity, ...given }
}

/** Rows of few different times, words and values, so that ties and matches are many. */
export const crowdedRow = fc
  .record({
    timestampMs: fc.integer({ min: receivedMs, max: receivedMs + 12 }),
    timestampNs: fc.constantFrom(0, 0, 7, 999_999),
    severity: fc.constantFrom(2, 2, 4),
    source: fc.constantFrom('api', 'web', ''),
    message: fc.constantFrom('connection reset', 'Timeout', 'request completed', ''),
    attributes: fc.oneof(fc.constant({}), fc.record({ status: fc.constantFrom(200, 502, '502', 'n/a', true) })),
  })
  .map(row)

/** One to three shards with several small batches and some edited and deleted rows each. */
export const anyShards: fc.Arbitrary<TestShard[]> = fc
  .uniqueArray(fc.constantFrom(0, 1, 7, 65_535), { minLength: 1, maxLength: 3 })
  .chain((numbers) => fc.tuple(...numbers.map(anyShard)))

function anyShard(shard: number): fc.Arbitrary<TestShard> {
  const batches = fc.array(fc.array(crowdedRow, { minLength: 1, maxLength: 8 }), { maxLength: 8 })
  const patches = fc.array(fc.tuple(fc.integer({ min: 1, max: 40 }), fc.option(crowdedRow)), { maxLength: 5 })
  return fc.tuple(batches, patches).map(([rows, changes]) => testShard(shard, rows, new Map(changes)))
}
