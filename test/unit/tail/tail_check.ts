import { decodeTailCursor } from '../../../src/objects/live-tail/cursor.ts'
import { matches } from './fake_block.ts'
import { organizationId } from './tail_world.ts'
import type { FakeSocket } from './tail_world.ts'

export function positionsOf(cursor: string): Map<number, number> {
  const positions = decodeTailCursor(organizationId, cursor)
  if (positions === undefined) throw new Error(`not a cursor: ${cursor}`)
  return positions
}

/** What one connection has shown to be true, message by message; throws at the first that is not. */
export function checkConnection(socket: FakeSocket): { received: number; slow: number; skipped: number } {
  const [ready, ...rest] = socket.messages
  if (ready?.type !== 'ready') throw new Error('the first message is not "ready"')
  let positions = positionsOf(ready.cursor)
  /** Matching rows up to the cursor that were neither received nor within a stretch that was told as passed over. */
  let missing = 0
  const told = { received: 0, slow: 0, skipped: 0 }
  for (const message of rest) {
    if (!('cursor' in message)) continue
    const next = positionsOf(message.cursor)
    const rows = message.type === 'log_created' ? [message.log] : message.type === 'log_batch' ? message.logs : []
    told.received += rows.length
    checkRows(socket.q, positions, next, rows)
    missing += countBetween(socket.q, positions, next) - rows.length
    if (message.type === 'dropped' && message.reason === 'slow') told.slow += message.count
    else if (message.type === 'dropped') {
      told.skipped += message.count
      missing -= skippedMatches(socket.q, positions, next, message.count, missing - told.slow)
    }
    if (missing !== told.slow)
      throw new Error(`${missing} rows are missing, ${told.slow} were told, at ${JSON.stringify(message).slice(0, 200)}`)
    positions = next
  }
  return told
}

/** Matching rows in the `count` rows that were passed over: the newest ones of one shard; `expected` tells of which. */
function skippedMatches(
  q: string,
  from: ReadonlyMap<number, number>,
  to: ReadonlyMap<number, number>,
  count: number,
  expected: number,
): number {
  for (const [shard, end] of to) {
    const skipped = countBetween(q, new Map([[shard, end - count]]), new Map([[shard, end]]))
    if (end - (from.get(shard) ?? 0) >= count && skipped === expected) return skipped
  }
  throw new Error(`no shard has ${count} rows to pass over that explain ${expected} missing ones`)
}

function countBetween(q: string, from: ReadonlyMap<number, number>, to: ReadonlyMap<number, number>): number {
  let count = 0
  for (const [shard, end] of to) for (let seq = (from.get(shard) ?? 0) + 1; seq <= end; seq++) if (matches(q, shard, seq)) count++
  return count
}

/** Rows of one message: each matches, none was sent before, all are in the order of their shard. */
function checkRows(
  q: string,
  from: ReadonlyMap<number, number>,
  to: ReadonlyMap<number, number>,
  rows: readonly { shard: number; seq: number }[],
): void {
  const reached = new Map(from)
  for (const { shard, seq } of rows) {
    if (!matches(q, shard, seq)) throw new Error(`row ${seq} of shard ${shard} does not match ${q}`)
    if (seq <= (reached.get(shard) ?? 0)) throw new Error(`row ${seq} of shard ${shard} came twice or out of order`)
    if (seq > (to.get(shard) ?? 0)) throw new Error(`row ${seq} of shard ${shard} is beyond the cursor that came with it`)
    reached.set(shard, seq)
  }
}
