import { tailMessageCharsMax, tailMessageRowsMax, tailQuietRowsMax } from '../../core/limits.ts'
import { BlockError } from '../../engine/block/block_error.ts'
import { QueryTooSlowError } from '../../engine/query/query_error.ts'
import type { ShardIdentity, TailBlock } from '../log-shard/protocol.ts'
import type { BlockView } from './block_view.ts'
import { recordSent, roomFor, waitForRoomMs, windowIsFull } from './flow.ts'
import { closeCodes, end, sendCursor, sendError, sendRows, sendSlow, skipTo } from './messages.ts'
import type { Subscriber, TailState } from './state.ts'
import { moveTo, positionOf } from './state.ts'

/**
 * What becomes of rows that do not fit now. `live`: they are dropped and told. `catch_up`: the subscriber keeps its
 * place and gets them later, from storage.
 */
export type Mode = 'live' | 'catch_up'

/** One subscriber's way through one block. */
interface Taker<S> {
  subscriber: Subscriber<S>
  /** Matching rows of the block, shared by all who have the same query. */
  rows: readonly number[]
  /** Index in `rows` of the first one that is not dealt with. */
  next: number
  done: boolean
}

/** Brings a block to every subscriber whose next row is in it. Others have had it, or will catch up to it. */
export function offerBlock<S>(state: TailState<S>, identity: ShardIdentity, block: TailBlock, mode: Mode): void {
  const { shard } = identity
  const { firstSeq, rows } = block.meta
  const lastSeq = firstSeq + rows - 1
  const subscribers = [...state.subscribers.values()].filter((subscriber) => {
    const position = positionOf(subscriber, shard)
    return position >= firstSeq - 1 && position < lastSeq && !hasExpired(state, subscriber)
  })
  if (subscribers.length === 0) return
  let view: BlockView | undefined
  try {
    view = state.deps.openBlock(identity, block)
    fanOut(state, shard, block, view, subscribers, mode)
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    state.deps.log('error', 'damaged block', { ...identity, firstSeq, error: error.message })
    for (const subscriber of subscribers) skipTo(state, subscriber, shard, lastSeq, 'damaged')
  } finally {
    view?.release()
  }
}

function fanOut<S>(state: TailState<S>, shard: number, block: TailBlock, view: BlockView, subscribers: Subscriber<S>[], mode: Mode): void {
  const { firstSeq, rows } = block.meta
  const groups = [...Map.groupBy(subscribers, ({ q }) => q).values()].map((members) => takersOf(state, members, view, shard, firstSeq))
  for (const chunk of chunksOf(unionOf(groups, rows), view)) {
    if (groups.every((group) => group.every(({ done, subscriber }) => done || !subscriber.open))) break
    for (const group of groups) sendChunk(state, shard, firstSeq, group, chunk, mode)
  }
  const lastSeq = firstSeq + rows - 1
  for (const { subscriber, done } of groups.flat()) {
    if (done && mode === 'catch_up') continue
    subscriber.quietRows += lastSeq - positionOf(subscriber, shard)
    moveTo(state, subscriber, shard, lastSeq)
    if (subscriber.quietRows >= tailQuietRowsMax) sendCursor(state, subscriber)
    // One that acknowledges is told with the next rows or acknowledgement, so that notices do not pile up.
    if (!subscriber.flow.acking) sendSlow(state, subscriber)
  }
}

/** Those who asked what takes too much time on this block are told and cut off, so that the others get theirs. */
function takersOf<S>(state: TailState<S>, members: Subscriber<S>[], view: BlockView, shard: number, firstSeq: number): Taker<S>[] {
  const [first] = members
  let rows: readonly number[]
  try {
    rows = first === undefined ? [] : view.select(first.filter)
  } catch (error) {
    if (!(error instanceof QueryTooSlowError)) throw error
    for (const member of members) {
      sendError(state, member, error.message)
      end(state, member, 1008, 'the query takes too much time')
    }
    return []
  }
  return members.map((subscriber) => {
    const fresh = rows.findIndex((row) => firstSeq + row > positionOf(subscriber, shard))
    return { subscriber, rows, next: fresh === -1 ? rows.length : fresh, done: false }
  })
}

/** Rows that at least one taker still has to get, ascending. */
function unionOf<S>(groups: Taker<S>[][], rows: number): number[] {
  const wanted = new Uint8Array(rows)
  for (const group of groups) {
    const from = Math.min(...group.map(({ next }) => next))
    for (const row of group[0]?.rows.slice(from) ?? []) wanted[row] = 1
  }
  const union: number[] = []
  for (let row = 0; row < rows; row++) if (wanted[row] === 1) union.push(row)
  return union
}

/** Rows up to `lastRow` with their JSON, made once for all takers; small enough for one message. */
interface Chunk {
  lastRow: number
  texts: ReadonlyMap<number, string>
}

function* chunksOf(union: readonly number[], view: BlockView): Generator<Chunk> {
  for (let start = 0; start < union.length; start += tailMessageRowsMax) {
    const rows = union.slice(start, start + tailMessageRowsMax)
    let texts = new Map<number, string>()
    let chars = 0
    let lastRow = 0
    for (const [i, text] of view.texts(rows).entries()) {
      if (chars > 0 && chars + text.length > tailMessageCharsMax) {
        yield { lastRow, texts }
        texts = new Map()
        chars = 0
      }
      lastRow = rows[i] ?? 0
      texts.set(lastRow, text)
      chars += text.length
    }
    yield { lastRow, texts }
  }
}

/** Takers of one query get the same rows, mostly as the very same text. */
function sendChunk<S>(state: TailState<S>, shard: number, firstSeq: number, group: Taker<S>[], chunk: Chunk, mode: Mode): void {
  let shared = { from: -1, to: -1, joined: '' }
  for (const taker of group) {
    if (taker.done || !taker.subscriber.open) continue
    const to = endOf(taker, chunk.lastRow)
    if (to === taker.next) continue
    const sendable = taker.next + Math.min(to - taker.next, roomFor(taker.subscriber.flow, state.flow, state.deps.now()))
    if (sendable > taker.next) {
      if (shared.from !== taker.next || shared.to !== sendable) {
        const texts = taker.rows.slice(taker.next, sendable).map((row) => chunk.texts.get(row) ?? '')
        shared = { from: taker.next, to: sendable, joined: texts.join(',') }
      }
      sendPart(state, shard, firstSeq, taker, sendable, shared.joined)
    }
    if (sendable < to) refuseRest(state, taker, mode)
  }
}

function sendPart<S>(state: TailState<S>, shard: number, firstSeq: number, taker: Taker<S>, to: number, joined: string): void {
  const { subscriber, rows, next } = taker
  const seq = firstSeq + (rows[to - 1] ?? 0)
  sendSlow(state, subscriber)
  moveTo(state, subscriber, shard, seq)
  const bytes = sendRows(state, subscriber, to - next, joined)
  if (subscriber.open) recordSent(subscriber.flow, state.flow, { shard, seq, rows: to - next, bytes })
  taker.next = to
}

function refuseRest<S>(state: TailState<S>, taker: Taker<S>, mode: Mode): void {
  const { subscriber, rows, next } = taker
  taker.done = true
  if (mode === 'live') subscriber.dropped += rows.length - next
  else if (!windowIsFull(subscriber.flow, state.flow))
    subscriber.pausedUntilMs = state.deps.now() + waitForRoomMs(subscriber.flow, state.flow)
}

/** Index after the last of the taker's rows that is not beyond `lastRow`. */
function endOf<S>({ rows, next }: Taker<S>, lastRow: number): number {
  let to = next
  while (to < rows.length && (rows[to] ?? 0) <= lastRow) to++
  return to
}

/** No row is sent on a connection that is too old or whose right expired; nothing else happens to it, so no timer is needed. */
function hasExpired<S>(state: TailState<S>, subscriber: Subscriber<S>): boolean {
  if (state.deps.now() < subscriber.endsMs) return false
  end(state, subscriber, closeCodes.expired, 'get a new ticket and resume with the last cursor')
  return true
}
