import { DurableObject } from 'cloudflare:workers'
import { writeLine } from '../../core/log_line.ts'
import type { LiveTail } from '../live-tail/object.ts'
import type { ShardCore } from './core.ts'
import { createShardCore } from './core.ts'
import type { AppendRequest, LogShardRpc, QueryCall, RowChange, ShardIdentity } from './protocol.ts'

/** The bindings that a shard uses. */
export interface LogShardEnv {
  LIVE_TAIL: DurableObjectNamespace<LiveTail>
}

/**
 * The logs of one organization in one region: a shell that gives `createShardCore` its SQLite, clock and LiveTail.
 * Writes are never let out unconfirmed, so an answer leaves only when what it says is durable.
 */
export class LogShard extends DurableObject<LogShardEnv> implements LogShardRpc {
  readonly #core: ShardCore

  constructor(ctx: DurableObjectState, env: LogShardEnv) {
    super(ctx, env)
    const { sql } = ctx.storage
    this.#core = createShardCore({
      sql: {
        all: (query, ...bindings) => sql.exec(query, ...bindings).toArray(),
        transaction: (work) => ctx.storage.transactionSync(work),
      },
      now: () => Date.now(),
      deliver: (identity, blocks) => env.LIVE_TAIL.getByName(identity.organizationId).deliver(identity, blocks),
      wait: (ms) => scheduler.wait(ms),
      log: (level, message, attributes) => writeLine(level, message, { object: 'log_shard', ...attributes }),
    })
    // What was stored just before a restart would otherwise reach a quiet tail only with the next batch.
    ctx.waitUntil(this.#core.deliverTail())
  }

  async append(request: AppendRequest) {
    const reply = this.#core.append(request)
    // Off the acknowledging path; deliveries also wait for the output gate, so a tail never shows what could be lost.
    if (reply.status === 'stored') this.ctx.waitUntil(this.#core.deliverTail())
    return reply
  }

  async query(call: QueryCall) {
    return this.#core.query(call)
  }

  async extent(identity: ShardIdentity) {
    return this.#core.extent(identity)
  }

  async getRow(identity: ShardIdentity, seq: number) {
    return this.#core.getRow(identity, seq)
  }

  async changeRow(identity: ShardIdentity, seq: number, change: RowChange) {
    return this.#core.changeRow(identity, seq, change)
  }

  async deleteRow(identity: ShardIdentity, seq: number) {
    return this.#core.deleteRow(identity, seq)
  }

  async watch(identity: ShardIdentity) {
    return this.#core.watch(identity)
  }

  async blocksAfter(identity: ShardIdentity, afterSeq: number, bytesMax: number) {
    return this.#core.blocksAfter(identity, afterSeq, bytesMax)
  }

  async ping() {
    return this.#core.ping()
  }
}
