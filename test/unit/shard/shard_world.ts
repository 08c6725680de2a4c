import { createBlockBuilder } from '../../../src/engine/block/writer.ts'
import type { EncodableRow } from '../../../src/engine/row.ts'
import { createShardCore } from '../../../src/objects/log-shard/core.ts'
import type { AppendRequest, Unanswered } from '../../../src/objects/log-shard/protocol.ts'
import { nodeSql } from './node_sql.ts'

export const identity = { organizationId: 'org', region: 'weur', shard: 0 }
export const range = { fromMs: 0, toMs: 1e13 }
export const startMs = Date.parse('2026-11-22T07:00:00Z')
export const all = { identity, q: '', range, order: 'oldest', limit: 100, budgetBytes: 2 ** 28 } as const

export function world() {
  const sql = nodeSql()
  const lines: { level: string; message: string; attributes: Record<string, unknown> }[] = []
  const clock = { nowMs: startMs }
  /** First seq and rows of each block that LiveTail got. */
  const delivered: [number, number][] = []
  const open = () =>
    createShardCore({
      sql,
      now: () => clock.nowMs,
      async deliver(_, blocks) {
        delivered.push(...blocks.map(({ meta }): [number, number] => [meta.firstSeq, meta.rows]))
        return { watching: false }
      },
      wait: async () => undefined,
      log: (level, message, attributes) => void lines.push({ level, message, attributes }),
    })
  return { sql, lines, clock, delivered, open, core: open() }
}

function row(message: string, more: Partial<EncodableRow> = {}): EncodableRow {
  return { timestampMs: startMs, timestampNs: 0, severity: 2, source: 'api', message, names: [], values: [], ...more }
}

export function batch(messages: string[], key?: string, body = 'body'): AppendRequest {
  const builder = createBlockBuilder(startMs)
  for (const message of messages) builder.add(row(message))
  const idempotency = key === undefined ? undefined : { keyHash: key.padEnd(64, '0'), bodyHash: body, rejected: 1 }
  return { identity, blocks: builder.finish(), idempotency }
}

export function answer<T extends object>(reply: T | Unanswered): T {
  if ('damaged' in reply) throw new Error(reply.damaged)
  if ('tooSlow' in reply) throw new Error(reply.tooSlow)
  return reply
}
