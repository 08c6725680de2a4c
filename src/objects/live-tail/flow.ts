import {
  tailBurstSeconds,
  tailBytesPerSecond,
  tailCatchUpShareMin,
  tailClientMessagesPerSecond,
  tailRowsPerSecond,
  tailSubscribersMax,
  tailUnackedBurstBytes,
  tailUnackedBytesPerSecond,
  tailUnackedSharedBurstBytes,
  tailUnackedSharedBytesPerSecond,
  tailWindowBytesMax,
  tailWindowRowsMax,
  tailWindowSharedBytesMax,
} from '../../core/limits.ts'

/** A token bucket: fills by `perSecond` up to `burst`, and may be overdrawn once. */
interface Bucket {
  readonly perSecond: number
  readonly burst: number
  tokens: number
  filledMs: number
}

/** A batch of rows that the client has not acknowledged: it is, once the client's position in `shard` reached `seq`. */
interface Outstanding {
  shard: number
  seq: number
  rows: number
  bytes: number
}

/** How much one subscriber may be sent. A Worker cannot see how much of a socket's output still waits in memory. */
export interface Flow {
  readonly rows: Bucket
  /** Wider once the client acknowledges: then the window bounds what can wait. */
  bytes: Bucket
  readonly clientMessages: Bucket
  /** The client acknowledges, so that rows on their way can be counted. */
  acking: boolean
  outstanding: Outstanding[]
  outstandingRows: number
  outstandingBytes: number
}

/** What all subscribers of the object share, because their output waits in one memory. */
export interface SharedFlow {
  /** For those that never acknowledged. */
  readonly unackedBytes: Bucket
  /** On their way to those that do. */
  outstandingBytes: number
}

export function createFlow(nowMs: number, acking: boolean): Flow {
  return {
    rows: bucket(tailRowsPerSecond, nowMs),
    bytes: acking ? bucket(tailBytesPerSecond, nowMs) : bucket(tailUnackedBytesPerSecond, nowMs, tailUnackedBurstBytes),
    clientMessages: bucket(tailClientMessagesPerSecond, nowMs),
    acking,
    outstanding: [],
    outstandingRows: 0,
    outstandingBytes: 0,
  }
}

export function createSharedFlow(nowMs: number): SharedFlow {
  return { unackedBytes: bucket(tailUnackedSharedBytesPerSecond, nowMs, tailUnackedSharedBurstBytes), outstandingBytes: 0 }
}

/** Rows that fit now. */
export function roomFor(flow: Flow, shared: SharedFlow, nowMs: number): number {
  if (fill(flow.bytes, nowMs) <= 0) return 0
  const rows = Math.max(0, Math.floor(fill(flow.rows, nowMs)))
  if (!flow.acking) return fill(shared.unackedBytes, nowMs) > 0 ? rows : 0
  return windowIsFull(flow, shared) ? 0 : Math.min(rows, tailWindowRowsMax - flow.outstandingRows)
}

/** Nothing fits until the client acknowledges. */
export function windowIsFull(flow: Flow, shared: SharedFlow): boolean {
  if (!flow.acking) return false
  const { outstandingRows, outstandingBytes } = flow
  if (outstandingRows >= tailWindowRowsMax || outstandingBytes >= tailWindowBytesMax) return true
  // Whoever holds least goes on, so that stalled clients do not stop the others.
  return shared.outstandingBytes >= tailWindowSharedBytesMax && outstandingBytes >= tailWindowSharedBytesMax / tailSubscribersMax
}

/** Catching up reads whole blocks, so it goes on only when a fair part of one can be sent. */
export function windowIsNearlyFull(flow: Flow, shared: SharedFlow): boolean {
  if (windowIsFull(flow, shared)) return true
  const used = Math.max(flow.outstandingRows / tailWindowRowsMax, flow.outstandingBytes / tailWindowBytesMax)
  return flow.acking && used > 1 - tailCatchUpShareMin
}

/** Milliseconds until a second's worth fits again, for the same reason. */
export function waitForRoomMs(flow: Flow, shared: SharedFlow): number {
  const buckets = [flow.rows, flow.bytes, ...(flow.acking ? [] : [shared.unackedBytes])]
  const waits = buckets.map(({ tokens, perSecond }) => 1 - tokens / perSecond)
  return Math.ceil(Math.max(0, ...waits) * 1000)
}

/** Any message, rows or not: it waits in memory like every other. */
export function recordBytes(flow: Flow, shared: SharedFlow, bytes: number): void {
  flow.bytes.tokens -= bytes
  if (!flow.acking) shared.unackedBytes.tokens -= bytes
}

/** Takes the rows of a message from the budget; with a client that acknowledges they count until it does. */
export function recordSent(flow: Flow, shared: SharedFlow, sent: Outstanding): void {
  flow.rows.tokens -= sent.rows
  if (!flow.acking) return
  flow.outstanding.push(sent)
  flow.outstandingRows += sent.rows
  flow.outstandingBytes += sent.bytes
  shared.outstandingBytes += sent.bytes
}

/** The client has everything up to these positions. */
export function recordAck(flow: Flow, shared: SharedFlow, positions: ReadonlyMap<number, number>, nowMs: number): void {
  if (!flow.acking) flow.bytes = bucket(tailBytesPerSecond, nowMs)
  flow.acking = true
  releaseFlow(flow, shared)
  flow.outstanding = flow.outstanding.filter(({ shard, seq }) => seq > (positions.get(shard) ?? -1))
  flow.outstandingRows = flow.outstanding.reduce((sum, { rows }) => sum + rows, 0)
  flow.outstandingBytes = flow.outstanding.reduce((sum, { bytes }) => sum + bytes, 0)
  shared.outstandingBytes += flow.outstandingBytes
}

/** Nothing is on its way to the subscriber any more. */
export function releaseFlow(flow: Flow, shared: SharedFlow): void {
  shared.outstandingBytes -= flow.outstandingBytes
}

/** Whether one more message of the client is within its rate. */
export function takeClientMessage(flow: Flow, nowMs: number): boolean {
  return fill(flow.clientMessages, nowMs) >= 1 && flow.clientMessages.tokens-- >= 1
}

function bucket(perSecond: number, nowMs: number, burst = perSecond * tailBurstSeconds): Bucket {
  return { perSecond, burst, tokens: burst, filledMs: nowMs }
}

function fill(bucket: Bucket, nowMs: number): number {
  const gained = (Math.max(0, nowMs - bucket.filledMs) / 1000) * bucket.perSecond
  bucket.tokens = Math.min(bucket.burst, bucket.tokens + gained)
  bucket.filledMs = Math.max(bucket.filledMs, nowMs)
  return bucket.tokens
}
