import type { Order, PlacedRow, Position } from './types.ts'

/** Negative when `a` comes before `b` in time order, which is (ms, ns, shard, seq). */
function comparePositions(a: Position, b: Position): number {
  return a.ms - b.ms || a.ns - b.ns || a.shard - b.shard || a.seq - b.seq
}

/** Negative when `a` comes before `b` in the asked order. */
export function compareInOrder(order: Order, a: Position, b: Position): number {
  return order === 'oldest' ? comparePositions(a, b) : comparePositions(b, a)
}

/** The place of a shard's row among the rows of all shards. */
export function positionOf({ timestampMs, timestampNs, seq }: PlacedRow, shard: number): Position {
  return { ms: timestampMs, ns: timestampNs, shard, seq }
}
