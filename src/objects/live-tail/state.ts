import type { Retention } from '../../core/settings.ts'
import type { Filter } from '../../engine/query/ast.ts'
import type { ShardIdentity, TailBlock, TailRead } from '../log-shard/protocol.ts'
import type { BlockView } from './block_view.ts'
import { encodeTailCursor } from './cursor.ts'
import { createFlow, createSharedFlow } from './flow.ts'
import type { Flow, SharedFlow } from './flow.ts'

/** What of a subscriber survives hibernation, with its socket; at most 16 KB as the platform serialises it. */
export interface Attachment {
  organizationId: string
  q: string
  cursor: string
  /** No row is sent from then on, in milliseconds since 1970. */
  endsMs: number
  acking: boolean
  dropped: number
  /** Rows wait for it in storage, and nothing but its own messages may come to remind of them. */
  behind: boolean
}

/** What the query and the cursor of an attachment say. */
export interface AttachmentMeaning {
  readonly filter: Filter
  readonly positions: Map<number, number>
}

/** `S` is a socket; the core only compares it and hands it back. */
export interface TailDeps<S> {
  /** Milliseconds since 1970. */
  now(): number
  wait(ms: number): Promise<void>
  /** Throws when the socket is closed. */
  send(socket: S, text: string): void
  close(socket: S, code: number, reason: string): void
  save(socket: S, attachment: Attachment): void
  openBlock(identity: ShardIdentity, block: TailBlock): BlockView
  watch(identity: ShardIdentity): Promise<{ lastSeq: number }>
  /** See `LogShardRpc`. */
  blocksAfter(identity: ShardIdentity, afterSeq: number, bytesMax: number, keepFromMs: number): Promise<TailRead>
  /** False when the ticket was used before or has expired. */
  useTicket(id: string, expiresMs: number, nowMs: number): boolean
  endRight(holder: string, endedMs: number): void
  rightEndedSince(holder: string, issuedMs: number): boolean
  /** Shards known from earlier lives of the object. */
  loadShards(): ShardIdentity[]
  saveShard(identity: ShardIdentity): void
  /** What `saveRetention` was last called with; undefined when nobody connected yet who said it. */
  loadRetention(): Retention | undefined
  saveRetention(retention: Retention): void
  /** One structured line; never the content of a log. */
  log(level: 'warning' | 'error', message: string, attributes: Record<string, unknown>): void
}

export interface Subscriber<S> extends AttachmentMeaning {
  readonly socket: S
  readonly organizationId: string
  readonly q: string
  readonly endsMs: number
  readonly flow: Flow
  /** Encoding of `positions`, refreshed before each message. */
  cursor: string
  /** Dropped rows that the client has not been told of yet. */
  dropped: number
  /** Rows that went by since the client last got a cursor. */
  quietRows: number
  /** Before this time it is not caught up any further. */
  pausedUntilMs: number
  /** Turn of its last catch-up, so that subscribers take turns. */
  turn: number
  strikes: number
  open: boolean
}

export interface TailState<S> {
  readonly deps: TailDeps<S>
  readonly subscribers: Map<S, Subscriber<S>>
  /** What the subscribers may be sent together. */
  readonly flow: SharedFlow
  readonly shards: Map<number, ShardIdentity>
  /** Whose tail this is: learned on first contact, then never another. */
  organizationId: string | undefined
  /** How long the organization keeps its logs, by the newest settings that a connection came with. */
  retention: Retention | undefined
  /** Newest sequence number that is known of each shard. */
  readonly heads: Map<number, number>
  /** Subscribers whose attachment is out of date. */
  readonly dirty: Set<Subscriber<S>>
  /** Connections that are being set up: they watch, too. */
  connecting: number
}

export function createState<S>(deps: TailDeps<S>): TailState<S> {
  const shards = new Map(deps.loadShards().map((identity) => [identity.shard, identity]))
  return {
    deps,
    subscribers: new Map(),
    flow: createSharedFlow(deps.now()),
    shards,
    organizationId: undefined,
    retention: deps.loadRetention(),
    heads: new Map(),
    dirty: new Set(),
    connecting: 0,
  }
}

/** An object that is reached for two organizations would mix tenants: refuse before anything is read or sent. */
export function identify<S>(state: TailState<S>, organizationId: string): void {
  state.organizationId ??= organizationId
  if (state.organizationId !== organizationId) throw new Error(`this live tail is of ${state.organizationId}, not of ${organizationId}`)
}

/** A subscriber as it stands in its attachment. */
export function createSubscriber<S>(socket: S, attachment: Attachment, meaning: AttachmentMeaning, nowMs: number): Subscriber<S> {
  const { organizationId, q, cursor, endsMs, acking, dropped } = attachment
  return {
    socket,
    organizationId,
    q,
    ...meaning,
    endsMs,
    flow: createFlow(nowMs, acking),
    cursor,
    dropped,
    quietRows: 0,
    pausedUntilMs: 0,
    turn: 0,
    strikes: 0,
    open: true,
  }
}

/** Where the subscriber stands in a shard; one that it does not know is younger than its connection, so it gets all of it. */
export function positionOf<S>({ positions }: Subscriber<S>, shard: number): number {
  return positions.get(shard) ?? 0
}

export function moveTo<S>(state: TailState<S>, subscriber: Subscriber<S>, shard: number, seq: number): void {
  subscriber.positions.set(shard, seq)
  state.dirty.add(subscriber)
}

export function isBehind<S>(state: TailState<S>, subscriber: Subscriber<S>): boolean {
  for (const [shard, head] of state.heads) if (positionOf(subscriber, shard) < head) return true
  return false
}

/** Learns of a shard and of its newest row. */
export function noteHead<S>(state: TailState<S>, identity: ShardIdentity, lastSeq: number): void {
  const { shard } = identity
  identify(state, identity.organizationId)
  if (!state.shards.has(shard)) {
    const { organizationId, region } = identity
    state.deps.saveShard({ organizationId, region, shard })
    state.shards.set(shard, identity)
  }
  state.heads.set(shard, Math.max(state.heads.get(shard) ?? 0, lastSeq))
}

/** Learns how long logs are kept, which holds for all subscribers: they are of one organization. */
export function noteRetention<S>(state: TailState<S>, retention: Retention): void {
  const known = state.retention
  if (known !== undefined && known.version >= retention.version) return
  state.deps.saveRetention(retention)
  state.retention = retention
}

/** Keeps with the sockets what must survive hibernation; to be called before the object waits for anything. */
export function saveDirty<S>(state: TailState<S>): void {
  for (const subscriber of state.dirty) {
    if (!subscriber.open) continue
    refreshCursor(subscriber)
    const { socket, organizationId, q, cursor, endsMs, flow, dropped } = subscriber
    state.deps.save(socket, { organizationId, q, cursor, endsMs, acking: flow.acking, dropped, behind: isBehind(state, subscriber) })
  }
  state.dirty.clear()
}

export function refreshCursor<S>(subscriber: Subscriber<S>): string {
  subscriber.cursor = encodeTailCursor(subscriber.organizationId, subscriber.positions)
  return subscriber.cursor
}
