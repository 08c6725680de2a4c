import { createHash } from 'node:crypto'
import { noReadCost } from '../../../src/engine/block/read_cost.ts'
import { createBlockBuilder } from '../../../src/engine/block/writer.ts'
import { parseQuery } from '../../../src/engine/query/parser.ts'
import type { TooSlow } from '../../../src/engine/query/query_error.ts'
import { visibleRows } from '../../../src/engine/query/visible_rows.ts'
import { bitmapHas } from '../../../src/engine/bitmap.ts'
import type { EncodableRow, StoredRow } from '../../../src/engine/row.ts'
import { readSegment } from '../../../src/engine/segment/reader.ts'
import type { ShardCore } from '../../../src/objects/log-shard/core.ts'
import { createShardCore } from '../../../src/objects/log-shard/core.ts'
import type { AppendReply, AppendRequest, QueryCall, Damaged } from '../../../src/objects/log-shard/protocol.ts'
import type { SearchRows } from '../../../src/engine/query/types.ts'
import { usageOfRows } from '../../support/usage.ts'
import { mapObjects } from './map_objects.ts'
import { nodeSql } from './node_sql.ts'

export const identity = { organizationId: 'org', region: 'weur', shard: 0 }
export const range = { fromMs: 0, toMs: 1e13 }
export const startMs = Date.parse('2026-11-22T07:00:00Z')
export const all = { identity, q: '', range, keepFromMs: 0, budgetBytes: 2 ** 28 } as const
const oldest = { kind: 'search', order: 'oldest', limit: 10_000 } as const

export type World = ReturnType<typeof world>

/** A shard over SQLite and a bucket in memory; `open` wakes it anew, as after an eviction or a kill. */
export function world(limits: { sealBytes?: number; sealAgeMs?: number } = {}) {
  const sql = nodeSql()
  const objects = mapObjects()
  const lines: { level: string; message: string; attributes: Record<string, unknown> }[] = []
  const clock = { nowMs: startMs }
  const alarm: { atMs: number | null; settings: number } = { atMs: null, settings: 0 }
  /** First seq and rows of each block that LiveTail got. */
  const delivered: [number, number][] = []
  const open = () =>
    createShardCore({
      sql,
      objects,
      limits: { sealBytes: 2 ** 20, sealAgeMs: 300_000, appendsPerSecondMax: 1000, bytesPerSecondMax: 2 ** 30, ...limits },
      now: () => clock.nowMs,
      async deliver(_, blocks) {
        delivered.push(...blocks.map(({ meta }): [number, number] => [meta.firstSeq, meta.rows]))
        return { watching: false }
      },
      askLedger: () => Promise.reject(new Error('there is one shard')),
      wait: async () => undefined,
      yield: async () => undefined,
      setAlarm(ms) {
        alarm.atMs = ms
        alarm.settings++
      },
      log: (level, message, attributes) => void lines.push({ level, message, attributes }),
    })
  return { sql, objects, lines, clock, alarm, delivered, open, core: open() }
}

export function row(message: string, more: Partial<EncodableRow> = {}): EncodableRow {
  return { timestampMs: startMs, timestampNs: 0, severity: 2, source: 'api', message, names: [], values: [], ...more }
}

const hash = (text: string) => createHash('sha256').update(text).digest('hex')

export function batch(messages: (string | EncodableRow)[], key?: string, body = 'body', createdMs = startMs): AppendRequest {
  const builder = createBlockBuilder(createdMs)
  for (const message of messages) builder.add(typeof message === 'string' ? row(message) : message)
  const idempotency = key === undefined ? undefined : { keyHash: key.padEnd(64, '0'), bodyHash: hash(body), rejected: 1 }
  const settings = { quota: null, retentionDays: null, version: 0, ledger: identity, shards: 1 }
  return { identity, blocks: builder.finish(), idempotency, usage: usageOfRows(messages.length), settings }
}

/** Appends without a quota, which is done at once. */
export function append(core: ShardCore, request: AppendRequest): AppendReply {
  const reply = core.append(request)
  if (reply instanceof Promise) throw new Error('the ledger was asked')
  return reply
}

export function answer<T extends object>(reply: T | TooSlow | Damaged): T {
  if ('damaged' in reply && typeof reply.damaged === 'string') throw new Error(reply.damaged)
  if ('tooSlow' in reply) throw new Error(reply.tooSlow)
  return reply as T
}

/** What the shard's own blocks answer to a search, and what of them is damaged. */
export function search(core: ShardCore, call: Partial<QueryCall> = {}) {
  const reply = answer(core.query({ ...all, operation: oldest, ...call }))
  return { ...reply, ...(reply.result as SearchRows) }
}

export function count(core: ShardCore, q = ''): number {
  const reply = answer(core.query({ ...all, q, operation: { kind: 'count' } }))
  return (reply.result as { count: number }).count
}

/** Every row that a query sees, hot and sealed, by sequence number; read in the plainest way, without the code of queries. */
export function visible({ objects }: Pick<World, 'objects'>, core: ShardCore, keepFromMs = 0): StoredRow[] {
  const { rows, segments, hidden, erasures } = search(core, { keepFromMs })
  const found = [...rows]
  const filters = erasures.map(({ q, ...erasure }) => ({ ...erasure, filter: parseQuery(q) }))
  for (const { key } of segments) {
    const bytes = objects.objects.get(key)
    if (bytes === undefined) throw new Error(`${key} is missing`)
    const file = readSegment(bytes)
    for (let n = 0; n < file.index.blocks.length; n++) {
      const block = file.open(n, noReadCost())
      const seen = visibleRows(block, { range, maxSeq: 2 ** 48, keepFromMs, erasures: filters }, hidden)
      found.push(...block.materialise(Array.from({ length: block.meta.rows }, (_, i) => i).filter((i) => bitmapHas(seen, i))))
    }
  }
  return found.sort((a, b) => a.seq - b.seq)
}

/** Runs alarms as the platform would until the clock is at `untilMs` and none is left. */
export async function runAlarms(world: Pick<World, 'alarm' | 'clock'>, core: ShardCore, untilMs = world.clock.nowMs): Promise<void> {
  for (let n = 0; world.alarm.atMs !== null && world.alarm.atMs <= untilMs; n++) {
    if (n > 1000) throw new Error('alarms do not end')
    world.clock.nowMs = Math.max(world.clock.nowMs, world.alarm.atMs)
    await core.alarm()
  }
  world.clock.nowMs = Math.max(world.clock.nowMs, untilMs)
}
