import { tailConnectionMs, tailSubscribersMax } from '../../core/limits.ts'
import type { TailConnect, TailRefusal } from '../../core/tail.ts'
import { parseQuery } from '../../engine/query/parser.ts'
import { QueryError } from '../../engine/query/query_error.ts'
import type { ShardIdentity } from '../log-shard/protocol.ts'
import { decodeTailCursor, encodeTailCursor } from './cursor.ts'
import type { Positions } from './cursor.ts'
import { sendReady } from './messages.ts'
import type { TailState } from './state.ts'
import { createSubscriber, identify, noteHead, noteRetention, saveDirty } from './state.ts'

/** Sets up a subscription and sends `ready`; `accept` is called once nothing can refuse any more. */
export async function connect<S>(state: TailState<S>, request: TailConnect, accept: () => S): Promise<TailRefusal | undefined> {
  const { deps } = state
  const { organizationId, q, shards } = request
  identify(state, organizationId)
  const cursor = request.cursor === undefined ? undefined : decodeTailCursor(organizationId, request.cursor)
  const refusal = refusalOf(state, request, cursor)
  if (refusal !== undefined) return refusal
  noteRetention(state, request.retention)
  // Counted from here on: a shard whose delivery is answered meanwhile must not stop.
  state.connecting++
  try {
    const heads = await watchAll(
      state,
      shards.map(({ region, number }) => ({ organizationId, region, shard: number })),
    )
    if (rightEnded(state, request)) return ended
    const socket = accept()
    const positions = startOf(heads, cursor)
    const attachment = { organizationId, q, cursor: encodeTailCursor(organizationId, positions), endsMs: endOf(request, deps.now()) }
    const fresh = { ...attachment, acking: false, dropped: 0, behind: false }
    const subscriber = createSubscriber(socket, fresh, { filter: parseQuery(q), positions }, deps.now())
    state.subscribers.set(socket, subscriber)
    state.dirty.add(subscriber)
    sendReady(state, subscriber)
    saveDirty(state)
    return undefined
  } finally {
    state.connecting--
  }
}

/** Asks every shard to deliver from now on; answers where each stands. */
export async function watchAll<S>(state: TailState<S>, shards: Iterable<ShardIdentity>): Promise<Positions> {
  const heads = new Map<number, number>()
  const watch = async (identity: ShardIdentity) => {
    const { lastSeq } = await state.deps.watch(identity)
    noteHead(state, identity, lastSeq)
    heads.set(identity.shard, lastSeq)
  }
  await Promise.all(Array.from(shards, watch))
  return heads
}

/** Without a cursor the tail starts now; shards that the cursor does not know came after it, so all of their rows did. */
function startOf(heads: Positions, cursor: Positions | undefined): Map<number, number> {
  // A position beyond the end can only come from a shard that lost rows: go on from its end.
  return new Map([...heads].map(([shard, head]) => [shard, cursor ? Math.min(cursor.get(shard) ?? 0, head) : head]))
}

/** Asked before and after the wait for the shards: until there is a socket, the end of a right finds nothing to close. */
function rightEnded<S>({ deps }: TailState<S>, { holders, ticket }: TailConnect): boolean {
  return holders.some((holder) => deps.rightEndedSince(holder, ticket.issuedMs))
}

const ended: TailRefusal = { code: 'invalid_token', detail: 'The access that the ticket was made with has ended.' }

function endOf({ accessEndsMs }: TailConnect, nowMs: number): number {
  return Math.min(nowMs + tailConnectionMs, accessEndsMs ?? Infinity)
}

function refusalOf<S>(state: TailState<S>, request: TailConnect, cursor: Positions | undefined): TailRefusal | undefined {
  if (request.cursor !== undefined && cursor === undefined)
    return { code: 'invalid_cursor', detail: 'The cursor is not one that this live tail made.' }
  if (state.subscribers.size + state.connecting >= tailSubscribersMax)
    return { code: 'rate_limited', detail: `The organization has ${tailSubscribersMax} live tails open, which is the limit.` }
  try {
    parseQuery(request.q)
  } catch (error) {
    if (error instanceof QueryError) return { code: 'invalid_query', detail: error.message }
    throw error
  }
  if (rightEnded(state, request)) return ended
  // Last, so that a request that was refused for another reason can be corrected with the same ticket.
  const { id, expiresMs } = request.ticket
  if (state.deps.useTicket(id, expiresMs, state.deps.now())) return undefined
  return { code: 'invalid_token', detail: 'The ticket was used before or has expired; get a new one.' }
}
