import {
  tailBurstSeconds,
  tailCatchUpRowsMin,
  tailCharsPerSecond,
  tailClientMessagesPerSecond,
  tailRowsPerSecond,
  tailWindowRowsMax,
} from '../../core/limits.ts'

/** A token bucket: fills by `perSecond` up to `tailBurstSeconds` worth, and may be overdrawn once. */
interface Bucket {
  readonly perSecond: number
  tokens: number
  filledMs: number
}

/** A batch of rows that the client has not acknowledged: it is, once the client's position in `shard` reached `seq`. */
interface Outstanding {
  shard: number
  seq: number
  rows: number
}

/** How much one subscriber may be sent. A Worker cannot see how much of a socket's output still waits in memory. */
export interface Flow {
  readonly rows: Bucket
  readonly chars: Bucket
  readonly clientMessages: Bucket
  /** The client acknowledges, so that rows on their way can be counted. */
  acking: boolean
  outstanding: Outstanding[]
  outstandingRows: number
}

export function createFlow(nowMs: number, acking: boolean): Flow {
  return {
    rows: bucket(tailRowsPerSecond, nowMs),
    chars: bucket(tailCharsPerSecond, nowMs),
    clientMessages: bucket(tailClientMessagesPerSecond, nowMs),
    acking,
    outstanding: [],
    outstandingRows: 0,
  }
}

/** Rows that fit now. */
export function roomFor(flow: Flow, nowMs: number): number {
  if (windowIsFull(flow) || fill(flow.chars, nowMs) <= 0) return 0
  const rows = Math.max(0, Math.floor(fill(flow.rows, nowMs)))
  return flow.acking ? Math.min(rows, tailWindowRowsMax - flow.outstandingRows) : rows
}

/** Nothing fits until the client acknowledges. */
export function windowIsFull(flow: Flow): boolean {
  return flow.acking && flow.outstandingRows >= tailWindowRowsMax
}

/** Catching up reads whole blocks, so it goes on only when a fair part of one can be sent. */
export function windowIsNearlyFull(flow: Flow): boolean {
  return flow.acking && flow.outstandingRows > tailWindowRowsMax - tailCatchUpRowsMin
}

/** Milliseconds until a second's worth fits again, for the same reason. */
export function waitForRoomMs(flow: Flow): number {
  const waits = [flow.rows, flow.chars].map(({ tokens, perSecond }) => 1 - tokens / perSecond)
  return Math.ceil(Math.max(0, ...waits) * 1000)
}

export function recordSent(flow: Flow, sent: Outstanding, chars: number): void {
  flow.rows.tokens -= sent.rows
  flow.chars.tokens -= chars
  if (!flow.acking) return
  flow.outstanding.push(sent)
  flow.outstandingRows += sent.rows
}

/** The client has everything up to these positions. */
export function recordAck(flow: Flow, positions: ReadonlyMap<number, number>): void {
  flow.acking = true
  flow.outstanding = flow.outstanding.filter(({ shard, seq }) => seq > (positions.get(shard) ?? -1))
  flow.outstandingRows = flow.outstanding.reduce((sum, { rows }) => sum + rows, 0)
}

/** Whether one more message of the client is within its rate. */
export function takeClientMessage(flow: Flow, nowMs: number): boolean {
  return fill(flow.clientMessages, nowMs) >= 1 && flow.clientMessages.tokens-- >= 1
}

function bucket(perSecond: number, nowMs: number): Bucket {
  return { perSecond, tokens: perSecond * tailBurstSeconds, filledMs: nowMs }
}

function fill(bucket: Bucket, nowMs: number): number {
  const gained = (Math.max(0, nowMs - bucket.filledMs) / 1000) * bucket.perSecond
  bucket.tokens = Math.min(bucket.perSecond * tailBurstSeconds, bucket.tokens + gained)
  bucket.filledMs = Math.max(bucket.filledMs, nowMs)
  return bucket.tokens
}
