import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import * as z from 'zod'
import { seqMax, shardNumberMax, timestampMsMax } from '../core/limits.ts'
import { problem } from '../core/problems.ts'
import type { Order, Position, TimeRange } from '../engine/query/types.ts'

/** Where the next page starts, and what the first page could see, so that all pages are of one moment. */
export interface PageState {
  after: Position
  /** As resolved for the first page: `now-15m` must not move from page to page. */
  range: TimeRange
  /** Shard number to its maxSeq; rows and shards that came later are not part of this listing. */
  snapshot: ReadonlyMap<number, number>
}

const version = 1
const integer = (max: number) => z.number().int().min(0).max(max)

const wire = z.tuple([
  z.literal(version),
  z.string().length(16),
  z.tuple([integer(timestampMsMax), integer(999_999), integer(shardNumberMax), integer(seqMax)]),
  z.tuple([integer(timestampMsMax), integer(timestampMsMax)]),
  z.array(z.tuple([integer(shardNumberMax), integer(seqMax)])).max(shardNumberMax),
])

/**
 * Names everything that must stay the same from page to page (tenant, query, bounds as typed, order), so that a cursor of
 * another listing is refused. A cursor is no secret and carries no right: it only says where to go on.
 */
export function listingHash(parts: { organizationId: string; q: string; from: string; to: string; order: Order }): string {
  const text = JSON.stringify([parts.organizationId, parts.q, parts.from, parts.to, parts.order])
  return createHash('sha256').update(text).digest('base64url').slice(0, 16)
}

/** Opaque text for the client: base64url of JSON, bound to the listing by `hash` (see `listingHash`). */
export function encodeCursor(state: PageState, hash: string): string {
  const { ms, ns, shard, seq } = state.after
  const { fromMs, toMs } = state.range
  const snapshot = [...state.snapshot].sort(([a], [b]) => a - b)
  return Buffer.from(JSON.stringify([version, hash, [ms, ns, shard, seq], [fromMs, toMs], snapshot])).toString('base64url')
}

/** Throws the problem `invalid_cursor` for anything that `encodeCursor` did not make for this very listing. */
export function decodeCursor(text: string, hash: string): PageState {
  const [, cursorHash, [ms, ns, shard, seq], [fromMs, toMs], pairs] = parseWire(text)
  if (cursorHash !== hash) throw problem('invalid_cursor', 'The cursor belongs to another query: its parameters must stay as they were.')
  const state = { after: { ms, ns, shard, seq }, range: { fromMs, toMs }, snapshot: new Map(pairs) }
  // Only the one canonical spelling is a cursor: no padding, no white space, no repeated shard.
  if (encodeCursor(state, hash) !== text) throw malformed()
  return state
}

function parseWire(text: string): z.output<typeof wire> {
  try {
    return wire.parse(JSON.parse(Buffer.from(text, 'base64url').toString()))
  } catch (error) {
    throw malformed(error)
  }
}

function malformed(cause?: unknown) {
  return problem('invalid_cursor', 'The cursor is not one that this service made.', { cause })
}
