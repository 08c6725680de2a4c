import type { Retention } from '../../../src/core/settings.ts'
import { createTailCore } from '../../../src/objects/live-tail/core.ts'
import type { TailCore } from '../../../src/objects/live-tail/core.ts'
import type { Attachment, TailDeps } from '../../../src/objects/live-tail/state.ts'
import type { ShardIdentity, TailBlock, TailRead } from '../../../src/objects/log-shard/protocol.ts'
import { createTailFeed } from '../../../src/objects/log-shard/tail_feed.ts'
import type { TailFeed } from '../../../src/objects/log-shard/tail_feed.ts'
import type { FakeBlock } from './fake_block.ts'
import { openFakeBlock, tailBlock } from './fake_block.ts'

export const organizationId = 'acme'

/** What a live tail is given that lives once, has no row to read back and takes every ticket. */
export const plainTailDeps = {
  wait: async () => undefined,
  close: () => undefined,
  save: () => undefined,
  blocksAfter: async () => ({ blocks: [], lastSeq: 0 }),
  useTicket: () => true,
  endRight: () => undefined,
  rightEndedSince: () => false,
  loadShards: () => [],
  saveShard: () => undefined,
  loadRetention: () => undefined,
  saveRetention: () => undefined,
  log: () => undefined,
}

/** A connection of somebody whose rights last, to logs that are kept for ever. */
export const plainConnect = {
  organizationId,
  holders: [],
  ticket: { id: 'once', issuedMs: 0, expiresMs: 1 },
  accessEndsMs: null,
  retention: { retentionDays: null, version: 0 },
  q: '',
  shards: [],
}

/** Sealed rows that a shard of this world reads back at most. */
export const sealedRowsMax = 100

interface FakeShard {
  identity: ShardIdentity
  blocks: FakeBlock[]
  lastSeq: number
  /** The last sealed row of those that are too many to read back. */
  skipTo: number
  watched: boolean
  feed: TailFeed
}

/** A connection as its client sees it, with what the wire has shown so far. */
export interface FakeSocket {
  q: string
  open: boolean
  closeCode: number | undefined
  attachment: Attachment | undefined
  messages: TailMessage[]
  acked: number
}

export type TailMessage =
  | { type: 'ready' | 'cursor'; cursor: string }
  | { type: 'log_created'; log: { shard: number; seq: number }; cursor: string }
  | { type: 'log_batch'; logs: { shard: number; seq: number }[]; cursor: string }
  | { type: 'dropped'; count: number; reason: 'slow' | 'behind' | 'damaged'; cursor: string }
  | { type: 'error'; code: string; detail: string }
  | { type: 'pong' }

interface Task {
  run(): void
}

/** Shards with their real feeds, a live tail, and a network that carries each call and each answer when the test says so. */
export class TailWorld {
  now = 1_800_000_000_000
  readonly tasks: Task[] = []
  readonly shards: FakeShard[] = []
  readonly sockets: FakeSocket[] = []
  readonly usedTickets = new Set<string>()
  readonly endedRights = new Map<string, number>()
  accessEndsMs: number | null = null
  /** What D1 says at a connection, and what LiveTail kept of it. */
  retention: Retention = { retentionDays: null, version: 0 }
  savedRetention: Retention | undefined
  /** What the reads of missed rows gave as `keepFromMs`. */
  readonly cutsMs: number[] = []
  readonly knownShards = new Map<number, ShardIdentity>()
  logLines = 0
  tailLife = 0
  tail: TailCore<FakeSocket>

  constructor(shards: number) {
    this.tail = createTailCore(this.tailDeps())
    for (let shard = 0; shard < shards; shard++) this.addShard()
  }

  addShard(): void {
    const identity = { organizationId, region: 'weur', shard: this.shards.length }
    const shard: FakeShard = { identity, blocks: [], lastSeq: 0, skipTo: 0, watched: true, feed: undefined as never }
    shard.feed = this.createFeed(shard)
    this.shards.push(shard)
  }

  shard(number: number): FakeShard {
    const shard = this.shards[number % this.shards.length]
    if (!shard) throw new Error('no shard')
    return shard
  }

  append(shard: FakeShard, rows: number, damaged = false): void {
    shard.blocks.push({ firstSeq: shard.lastSeq + 1, rows, damaged })
    shard.lastSeq += rows
    void shard.feed.kick()
  }

  /** The object starts anew: a delivery under way is forgotten, what is stored stays. */
  restartShard(shard: FakeShard): void {
    shard.feed = this.createFeed(shard)
  }

  /** The object starts anew from its sockets' attachments; its own calls under way are forgotten. */
  restartTail(): void {
    this.tailLife++
    const open = this.sockets.filter((socket) => socket.open && socket.attachment !== undefined)
    this.tail = createTailCore(
      this.tailDeps(),
      open.map((socket) => [socket, structuredClone(socket.attachment) as Attachment]),
    )
    void this.tail.resume()
  }

  /** Asks for a subscription; the socket is listed once it is accepted. */
  connect(q: string, cursor?: string, ticketId = `ticket ${this.sockets.length} ${this.tasks.length} ${this.now}`) {
    const socket: FakeSocket = { q, open: true, closeCode: undefined, attachment: undefined, messages: [], acked: -1 }
    const shards = this.shards.map(({ identity }) => ({ region: identity.region, number: identity.shard }))
    const ticket = { id: ticketId, issuedMs: this.now, expiresMs: this.now + 60_000 }
    const life = this.tailLife
    const request = {
      organizationId,
      holders: ['user:ann'],
      ticket,
      accessEndsMs: this.accessEndsMs,
      retention: this.retention,
      q,
      shards,
      ...(cursor !== undefined && { cursor }),
    }
    const reply = this.tail.connect(request, () => {
      if (life !== this.tailLife) throw new Error('this life is over')
      this.sockets.push(socket)
      return socket
    })
    const done = reply.then(async (refusal) => {
      if (life === this.tailLife && refusal === undefined) await this.tail.settle()
    })
    done.catch(() => undefined)
    return reply
  }

  disconnect(socket: FakeSocket): void {
    socket.open = false
    this.tail.closed(socket)
  }

  ack(socket: FakeSocket, index: number): void {
    const message = socket.messages[index]
    if (!socket.open || message === undefined || !('cursor' in message)) return
    socket.acked = index
    this.tail.message(socket, JSON.stringify({ type: 'ack', cursor: message.cursor }))
    void this.tail.settle()
  }

  /** Carries one call or answer, then lets everything that follows from it happen. */
  async step(choice: number): Promise<void> {
    const [task] = this.tasks.splice(choice % Math.max(1, this.tasks.length), 1)
    task?.run()
    await new Promise((resolve) => setImmediate(resolve))
  }

  /** Until nothing is under way; clients that acknowledge do so. */
  async settle(): Promise<void> {
    for (let rounds = 0; rounds < 100_000; rounds++) {
      await this.step(0)
      if (this.tasks.length > 0) continue
      const late = this.sockets.filter((socket) => socket.open && socket.acked >= 0 && socket.acked < lastCursor(socket))
      for (const socket of late) this.ack(socket, lastCursor(socket))
      await this.step(0)
      if (late.length === 0 && this.tasks.length === 0) return
    }
    throw new Error('the world does not come to rest')
  }

  private createFeed(shard: FakeShard): TailFeed {
    const life: { feed?: TailFeed } = {}
    life.feed = createTailFeed({
      blocksAfter: (seq) => blocksAfter(shard, seq),
      lastSeq: () => shard.lastSeq,
      lastBlockSeq: () => shard.blocks.at(-1)?.firstSeq ?? 1,
      deliver: (blocks) =>
        this.call(
          () => shard.feed === life.feed,
          () => {
            const reply = this.tail.deliver(shard.identity, blocks)
            void this.tail.settle()
            return reply
          },
        ),
      wait: (ms) => this.wait(ms, () => shard.feed === life.feed),
      loadWatched: () => shard.watched,
      saveWatched: (watched) => void (shard.watched = watched),
      failed: () => void this.logLines++,
    })
    return life.feed
  }

  private tailDeps(): TailDeps<FakeSocket> {
    const life = this.tailLife
    const alive = () => life === this.tailLife
    const shardOf = ({ shard }: ShardIdentity) => this.shard(shard)
    return {
      now: () => this.now,
      wait: (ms) => this.wait(ms, alive),
      send: (socket, text) => {
        if (!socket.open) throw new TypeError('closed')
        socket.messages.push(JSON.parse(text) as TailMessage)
      },
      close: (socket, code) => Object.assign(socket, { open: false, closeCode: code }),
      save: (socket, attachment) => void (socket.attachment = structuredClone(attachment)),
      openBlock: (identity, block) => openFakeBlock(shardOf(identity), block),
      watch: (identity) =>
        this.call(alive, () => {
          shardOf(identity).feed.watch()
          return { lastSeq: shardOf(identity).lastSeq }
        }),
      blocksAfter: (identity, afterSeq, _bytesMax, keepFromMs) =>
        this.call(alive, () => {
          this.cutsMs.push(keepFromMs)
          return read(shardOf(identity), afterSeq)
        }),
      useTicket: (id) => !this.usedTickets.has(id) && this.usedTickets.add(id).size > 0,
      endRight: (holder, endedMs) => void this.endedRights.set(holder, endedMs),
      rightEndedSince: (holder, issuedMs) => (this.endedRights.get(holder) ?? -1) >= issuedMs,
      loadShards: () => [...this.knownShards.values()],
      saveShard: (identity) => void this.knownShards.set(identity.shard, identity),
      loadRetention: () => this.savedRetention,
      saveRetention: (retention) => void (this.savedRetention = retention),
      log: () => void this.logLines++,
    }
  }

  /** A call that arrives, and is answered, when its turn comes. One whose caller is gone is carried out but not answered. */
  private call<T>(callerLives: () => boolean, work: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const arrive = () => {
        if (this.failNext > 0) {
          this.failNext--
          this.tasks.push({ run: () => callerLives() && reject(new Error('lost on the way')) })
          return
        }
        const answer = work()
        const lost = this.failNextAnswer > 0
        if (lost) this.failNextAnswer--
        this.tasks.push({ run: () => callerLives() && (lost ? reject(new Error('answer lost')) : resolve(answer)) })
      }
      this.tasks.push({ run: arrive })
    })
  }

  failNext = 0
  failNextAnswer = 0

  private wait(ms: number, callerLives: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.now += Math.max(0, ms)
        if (callerLives()) resolve()
      }
      this.tasks.push({ run: wake })
    })
  }
}

function lastCursor(socket: FakeSocket): number {
  return socket.messages.findLastIndex((message) => 'cursor' in message)
}

function blocksAfter(shard: FakeShard, seq: number): TailBlock[] {
  return shard.blocks.filter(({ firstSeq, rows }) => firstSeq + rows - 1 > seq).map(tailBlock)
}

/** What a shard answers to a tail that resumes, two blocks at a time. */
function read(shard: FakeShard, afterSeq: number): TailRead {
  const { lastSeq, skipTo } = shard
  if (afterSeq < skipTo - sealedRowsMax) return { blocks: [], lastSeq, skipTo }
  return { blocks: blocksAfter(shard, afterSeq).slice(0, 2), lastSeq }
}
