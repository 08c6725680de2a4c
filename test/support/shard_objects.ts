import { env } from 'cloudflare:test'
import { noReadCost } from '../../src/engine/block/read_cost.ts'
import type { SearchRows } from '../../src/engine/query/types.ts'
import type { EncodableRow, StoredRow } from '../../src/engine/row.ts'
import { readSegment } from '../../src/engine/segment/reader.ts'
import type { AppendRequest, QueryCall, QueryReply, ShardIdentity } from '../../src/objects/log-shard/protocol.ts'
import { allRows, encodeRows } from './rows.ts'
import { freeSettings, usageOfRows } from './usage.ts'

/** A shard that no other test knows, as its Durable Object. */
export function newShard() {
  const identity: ShardIdentity = { organizationId: crypto.randomUUID(), region: 'weur', shard: 7 }
  const stub = env.LOG_SHARD.getByName(`${identity.organizationId}/weur/7`)
  const settings = freeSettings(identity)

  function batch(rows: readonly EncodableRow[], idempotency?: AppendRequest['idempotency']): AppendRequest {
    return { identity, blocks: encodeRows(rows), idempotency, usage: usageOfRows(rows.length), settings }
  }

  async function query(call: Partial<QueryCall> = {}): Promise<QueryReply> {
    const operation = { kind: 'search', order: 'oldest', limit: 5000 } as const
    const range = { fromMs: 0, toMs: 1e13 }
    const reply = await stub.query({ identity, q: '', range, keepFromMs: 0, budgetBytes: 2 ** 28, operation, ...call })
    if ('tooSlow' in reply) throw new Error(reply.tooSlow)
    return reply
  }

  return {
    identity,
    stub,
    batch,
    append: (rows: readonly EncodableRow[]) => stub.append(batch(rows)),

    /** What the shard's own blocks answer. */
    async hot(q = ''): Promise<QueryReply & SearchRows> {
      const reply = await query({ q })
      return { ...reply, ...(reply.result as SearchRows) }
    },

    /** All rows that are not hidden one by one, hot and sealed, by sequence number. */
    async rows(): Promise<StoredRow[]> {
      const { result, segments, hidden } = await query()
      const found = [...(result as SearchRows).rows]
      for (const { key } of segments) {
        const object = await env.STORAGE.get(key)
        if (object === null) throw new Error(`${key} is missing`)
        const file = readSegment(new Uint8Array(await object.arrayBuffer()))
        for (const n of file.index.blocks.keys())
          found.push(...allRows(file.open(n, noReadCost())).filter(({ seq }) => !hidden.includes(seq)))
      }
      return found.sort((a, b) => a.seq - b.seq)
    },
  }
}
