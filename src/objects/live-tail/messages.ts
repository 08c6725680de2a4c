import { Buffer } from 'node:buffer'
import * as z from 'zod'
import { recordBytes, releaseFlow } from './flow.ts'
import type { Subscriber, TailState } from './state.ts'
import { moveTo, positionOf, refreshCursor } from './state.ts'

/** Why rows were not sent: too fast for the client, too far behind to be looked at, or stored in a damaged block. */
export type DropReason = 'slow' | 'behind' | 'damaged'

/** Close codes of the application (RFC 6455 leaves 4000 to 4999 to it). */
export const closeCodes = { expired: 4001, ended: 4003 } as const

/** What a client may send, besides the bare text `ping`. */
export const clientMessage = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('ping') }),
  z.strictObject({ type: z.literal('ack'), cursor: z.string() }),
])

/** Sends one message and gives its bytes; a socket that turns out to be closed ends its subscription. */
export function send<S>(state: TailState<S>, subscriber: Subscriber<S>, text: string): number {
  if (!subscriber.open) return 0
  try {
    state.deps.send(subscriber.socket, text)
  } catch {
    // The peer is gone; the platform tells no other way.
    forget(state, subscriber)
    return 0
  }
  const bytes = Buffer.byteLength(text)
  recordBytes(subscriber.flow, state.flow, bytes)
  return bytes
}

export function end<S>(state: TailState<S>, subscriber: Subscriber<S>, code: number, reason: string): void {
  forget(state, subscriber)
  state.deps.close(subscriber.socket, code, reason)
}

export function forget<S>(state: TailState<S>, subscriber: Subscriber<S>): void {
  if (subscriber.open) releaseFlow(subscriber.flow, state.flow)
  subscriber.open = false
  state.subscribers.delete(subscriber.socket)
  state.dirty.delete(subscriber)
}

export function sendReady<S>(state: TailState<S>, subscriber: Subscriber<S>): void {
  send(state, subscriber, `{"type":"ready","cursor":"${refreshCursor(subscriber)}"}`)
}

/** A fresh cursor, for a subscriber whose filter has let much go by. */
export function sendCursor<S>(state: TailState<S>, subscriber: Subscriber<S>): void {
  sendSlow(state, subscriber)
  subscriber.quietRows = 0
  send(state, subscriber, `{"type":"cursor","cursor":"${refreshCursor(subscriber)}"}`)
}

/** One message with the given rows; `joined` is their JSON, separated by commas. The cursor stands after them. Gives its bytes. */
export function sendRows<S>(state: TailState<S>, subscriber: Subscriber<S>, rows: number, joined: string): number {
  subscriber.quietRows = 0
  const cursor = refreshCursor(subscriber)
  const text =
    rows === 1
      ? `{"type":"log_created","log":${joined},"cursor":"${cursor}"}`
      : `{"type":"log_batch","logs":[${joined}],"cursor":"${cursor}"}`
  return send(state, subscriber, text)
}

/** Tells of matching rows that the subscriber was too slow for. */
export function sendSlow<S>(state: TailState<S>, subscriber: Subscriber<S>): void {
  if (subscriber.dropped === 0) return
  sendDropped(state, subscriber, subscriber.dropped, 'slow')
  subscriber.dropped = 0
}

/** Goes on after `seq` and tells how many rows of the shard, matching or not, were passed over unseen. */
export function skipTo<S>(state: TailState<S>, subscriber: Subscriber<S>, shard: number, seq: number, reason: DropReason): void {
  const count = seq - positionOf(subscriber, shard)
  if (count <= 0) return
  sendSlow(state, subscriber)
  moveTo(state, subscriber, shard, seq)
  sendDropped(state, subscriber, count, reason)
}

export function sendError<S>(state: TailState<S>, subscriber: Subscriber<S>, detail: string): void {
  send(state, subscriber, JSON.stringify({ type: 'error', code: 'bad_message', detail }))
}

function sendDropped<S>(state: TailState<S>, subscriber: Subscriber<S>, count: number, reason: DropReason): void {
  subscriber.quietRows = 0
  send(state, subscriber, `{"type":"dropped","count":${count},"reason":"${reason}","cursor":"${refreshCursor(subscriber)}"}`)
}
