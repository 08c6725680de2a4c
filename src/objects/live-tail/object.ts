import { DurableObject } from 'cloudflare:workers'
import { shardName } from '../../core/ids.ts'
import { writeLine } from '../../core/log_line.ts'
import { meteredNamespace, meteredSql } from '../../core/metered.ts'
import { createObjectCosts } from '../../core/object_costs.ts'
import type { MeterBinding, ObjectCosts } from '../../core/object_costs.ts'
import { decodeTailConnect, tailHeader } from '../../core/tail.ts'
import type { TailRefusal } from '../../core/tail.ts'
import type { LogShard } from '../log-shard/object.ts'
import type { LiveTailRpc, ShardIdentity, TailBlock } from '../log-shard/protocol.ts'
import { createBlockView } from './block_view.ts'
import { createTailCore } from './core.ts'
import { closeCodes } from './messages.ts'
import type { TailCore } from './core.ts'
import type { Attachment } from './state.ts'
import { createTailStore } from './store.ts'

/** The bindings that a live tail uses. */
export interface LiveTailEnv {
  LOG_SHARD: DurableObjectNamespace<LogShard>
  METER: MeterBinding
}

/** Incoming messages of WebSockets are billed as this part of a request. */
const messageRequests = 1 / 20

/**
 * The live tail of one organization: a shell that gives `createTailCore` its sockets, storage, clock and shards. Between
 * messages it hibernates; sockets stay open, and `ping` is answered without waking it.
 */
export class LiveTail extends DurableObject<LiveTailEnv> implements LiveTailRpc {
  readonly #core: TailCore<WebSocket>
  readonly #costs: ObjectCosts

  constructor(ctx: DurableObjectState, env: LiveTailEnv) {
    super(ctx, env)
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair('ping', 'pong'))
    const log = (level: 'warning' | 'error', message: string, attributes: Record<string, unknown>) =>
      writeLine(level, message, { object: 'live_tail', ...attributes })
    this.#costs = createObjectCosts('tail', env.METER, (error) => log('warning', 'costs were not reported', { error: String(error) }))
    const store = createTailStore(meteredSql(ctx.storage.sql, this.#costs.count))
    const shards = meteredNamespace(env.LOG_SHARD, this.#costs.count)
    const shard = (identity: ShardIdentity) => shards.getByName(shardName(identity))
    const open = ctx.getWebSockets().filter((socket) => socket.readyState === WebSocket.OPEN)
    this.#core = createTailCore<WebSocket>(
      {
        now: () => Date.now(),
        wait: (ms) => scheduler.wait(ms),
        send: (socket, text) => socket.send(text),
        close: (socket, code, reason) => socket.close(code, reason),
        save: (socket, attachment) => socket.serializeAttachment(attachment),
        openBlock: (identity, block) => createBlockView(identity.shard, block),
        watch: (identity) => shard(identity).watch(identity),
        blocksAfter: (identity, ...rest) => shard(identity).blocksAfter(identity, ...rest),
        useTicket: store.useTicket,
        endRight: store.endRight,
        rightEndedSince: store.rightEndedSince,
        loadShards: store.loadShards,
        saveShard: store.saveShard,
        loadRetention: store.loadRetention,
        saveRetention: store.saveRetention,
        log,
      },
      open.map((socket) => [socket, socket.deserializeAttachment() as Attachment]),
    )
    ctx.waitUntil(this.#core.resume())
  }

  /** The upgrade request of the Worker, which verified the ticket; a client's own headers never come this far. */
  override async fetch(request: Request): Promise<Response> {
    const connect = decodeTailConnect(request.headers.get(tailHeader))
    const { 0: client, 1: server } = new WebSocketPair()
    const refusal = await this.#core.connect(connect, () => {
      this.ctx.acceptWebSocket(server, connect.holders)
      return server
    })
    if (refusal !== undefined) return Response.json(refusal satisfies TailRefusal, { status: 400 })
    this.#settle()
    return new Response(null, { status: 101, webSocket: client })
  }

  async deliver(identity: ShardIdentity, blocks: TailBlock[]): Promise<{ watching: boolean }> {
    const reply = this.#core.deliver(identity, blocks)
    this.#settle()
    return reply
  }

  /** Closes every connection of a person, session or key (`kind:id`) whose right to it ended, and refuses its older tickets. */
  async revoke(holder: string, endedMs: number): Promise<void> {
    this.#core.revoke(holder, endedMs, this.ctx.getWebSockets(holder))
  }

  /** Closes every connection and deletes all that is stored here: the organization is gone, and no ticket leads here any more. */
  async purge(): Promise<void> {
    for (const socket of this.ctx.getWebSockets()) socket.close(closeCodes.ended, 'the organization is gone')
    await this.ctx.storage.deleteAll()
  }

  override webSocketMessage(socket: WebSocket, data: string | ArrayBuffer): void {
    this.#costs.count('do_requests', messageRequests)
    this.#core.message(socket, data)
    this.#settle()
  }

  override webSocketClose(socket: WebSocket): void {
    this.#core.closed(socket)
    // The hibernation API leaves it to us to complete the handshake.
    socket.close(1000)
  }

  override webSocketError(socket: WebSocket): void {
    this.#core.closed(socket)
  }

  /** Catching up goes on behind the answer; while it does, the object stays awake. */
  #settle(): void {
    this.ctx.waitUntil(this.#core.settle())
    this.ctx.waitUntil(this.#costs.flush(Date.now()))
  }
}
