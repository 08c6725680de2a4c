import { DurableObject } from 'cloudflare:workers'
import { shardName } from '../../core/ids.ts'
import { writeLine } from '../../core/log_line.ts'
import { meteredBucket, meteredNamespace, meteredSql } from '../../core/metered.ts'
import { createObjectCosts } from '../../core/object_costs.ts'
import type { ObjectCosts } from '../../core/object_costs.ts'
import { openObjectStore } from '../../core/object_store.ts'
import type { BatchUsage } from '../../core/usage.ts'
import { createAlarm } from './alarm.ts'
import type { ShardCore } from './core.ts'
import { createShardCore } from './core.ts'
import type { LogShardEnv } from './env.ts'
import { limitsOf } from './env.ts'
import type { AppendRequest, LogShardRpc, QueryCall, RowChange, ShardIdentity } from './protocol.ts'
import type { LeaseRequest } from './control/protocol_control.ts'
import type { EraseRequest, SealedRow } from './protocol_storage.ts'
import type { Sql } from './sql.ts'

/** What a purged shard keeps: the time of it, under this key. */
const purgedKey = 'purged_ms'

function refusePurged(): never {
  throw new Error('this shard was purged with its organization')
}

/**
 * The logs of one organization in one region: a shell that gives `createShardCore` its SQLite, bucket, alarm, clock and
 * LiveTail. Writes are never let out unconfirmed, so an answer leaves only when what it says is durable.
 */
export class LogShard extends DurableObject<LogShardEnv> implements LogShardRpc {
  /** Undefined once purged. */
  #live: ShardCore | undefined
  #isPurged = false
  readonly #costs: ObjectCosts

  constructor(ctx: DurableObjectState, env: LogShardEnv) {
    super(ctx, env)
    const log = (level: 'warning' | 'error', message: string, attributes: Record<string, unknown>) =>
      writeLine(level, message, { object: 'log_shard', ...attributes })
    this.#costs = createObjectCosts('shard', env.METER, (error) => log('warning', 'costs were not reported', { error: String(error) }))
    // Before anything opens the tables, which would make them anew.
    if (ctx.storage.kv.get(purgedKey) !== undefined) return
    const { count } = this.#costs
    const tails = meteredNamespace(env.LIVE_TAIL, count)
    const shards = meteredNamespace(env.LOG_SHARD, count)
    const all: Sql['all'] = meteredSql(ctx.storage.sql, count)
    const setAlarm = createAlarm(ctx, count)
    this.#live = createShardCore({
      sql: {
        // A job that is under way while the shard is purged must find nothing to go on with.
        all: (query, ...bindings) => (this.#isPurged ? refusePurged() : all(query, ...bindings)),
        transaction: (work) => ctx.storage.transactionSync(work),
      },
      objects: openObjectStore(meteredBucket(env.STORAGE, count), (ms, options) => scheduler.wait(ms, options)),
      limits: limitsOf(env),
      now: () => Date.now(),
      deliver: (identity, blocks) => tails.getByName(identity.organizationId).deliver(identity, blocks),
      askLedger: (ledger, request) => shards.getByName(shardName(ledger)).lease(ledger, request),
      wait: (ms) => scheduler.wait(ms),
      yield: () => scheduler.wait(0),
      setAlarm: (ms) => (this.#isPurged ? undefined : setAlarm(ms)),
      log,
    })
    // What was stored just before a restart would otherwise reach a quiet tail only with the next batch.
    ctx.waitUntil(this.#core.deliverTail())
  }

  get #core(): ShardCore {
    return this.#live ?? refusePurged()
  }

  /**
   * Deletes all that is stored here, for ever: the organization is gone. A mark stays, so that whoever still writes is refused
   * and nothing grows again. Repeating it repeats nothing. The segments in R2 are left to the caller.
   */
  async purge(identity: ShardIdentity) {
    const known = this.#live?.self()
    if (known !== undefined && shardName(known) !== shardName(identity))
      throw new Error(`this shard is ${shardName(known)}, not ${shardName(identity)}`)
    this.#isPurged = true
    this.#live = undefined
    const { storage } = this.ctx
    await storage.deleteAlarm()
    await storage.deleteAll()
    storage.kv.put(purgedKey, Date.now())
  }

  async append(request: AppendRequest) {
    // The reply carries what it cost: reporting it from here would cost as much again, and the object may be gone before.
    const { value, spent } = this.#costs.apart(() => this.#core.append(request))
    const reply = await value
    if (reply.status === 'stored') spent.logs_stored = reply.accepted
    // Off the acknowledging path; deliveries also wait for the output gate, so a tail never shows what could be lost.
    if (reply.status === 'stored') this.ctx.waitUntil(this.#core.deliverTail())
    return this.#counted({ ...reply, spent })
  }

  override async alarm() {
    if (this.#live === undefined) return
    this.#costs.count('do_requests')
    await this.#core.alarm()
    this.#counted(undefined)
  }

  async query(call: QueryCall) {
    // As with append: only who asked knows which route or job it is for.
    const { value, spent } = this.#costs.apart(() => this.#core.query(call))
    return this.#counted({ ...value, spent })
  }

  async extent(identity: ShardIdentity) {
    return this.#core.extent(identity)
  }

  async getRow(identity: ShardIdentity, seq: number) {
    return this.#core.getRow(identity, seq)
  }

  async changeRow(identity: ShardIdentity, seq: number, change: RowChange, sealed?: SealedRow) {
    return this.#core.changeRow(identity, seq, change, sealed)
  }

  async deleteRow(identity: ShardIdentity, seq: number, sealed?: SealedRow) {
    return this.#core.deleteRow(identity, seq, sealed)
  }

  async watch(identity: ShardIdentity) {
    return this.#core.watch(identity)
  }

  async blocksAfter(identity: ShardIdentity, afterSeq: number, bytesMax: number, keepFromMs: number) {
    return this.#counted(await this.#core.blocksAfter(identity, afterSeq, bytesMax, keepFromMs))
  }

  async manifest(identity: ShardIdentity, page: { afterNumber: number; limit: number }) {
    return this.#core.manifest(identity, page)
  }

  async segments(identity: ShardIdentity) {
    return this.#core.segments(identity)
  }

  async startErase(identity: ShardIdentity, request: EraseRequest) {
    return this.#core.startErase(identity, request)
  }

  async eraseProgress(identity: ShardIdentity, id: string) {
    return this.#core.eraseProgress(identity, id)
  }

  async applyRetention(identity: ShardIdentity, keepFromMs: number, version: number) {
    return this.#core.applyRetention(identity, keepFromMs, version)
  }

  async sealNow(identity: ShardIdentity) {
    return this.#counted(await this.#core.sealNow(identity))
  }

  async countRefused(identity: ShardIdentity, usage: BatchUsage) {
    this.#core.countRefused(identity, usage)
  }

  async usage(identity: ShardIdentity, fromDay: number, toDay: number) {
    return this.#core.usage(identity, fromDay, toDay)
  }

  async lease(identity: ShardIdentity, request: LeaseRequest) {
    return this.#core.lease(identity, request)
  }

  async knowsKey(identity: ShardIdentity, keyHash: string) {
    return this.#core.knowsKey(identity, keyHash)
  }

  async ping() {
    return this.#core.ping()
  }

  /** Passes a reply on; what was spent, and what is stored, is reported behind it, when it is time to. */
  #counted<T>(reply: T): T {
    this.ctx.waitUntil(this.#costs.flush(Date.now(), () => this.#stored()))
    return reply
  }

  #stored() {
    const identity = this.#live?.self()
    if (identity === undefined) return undefined
    const { segments, hot } = this.#core.segments(identity)
    const sum = (size: 'rows' | 'bytes') => segments.reduce((total, segment) => total + segment[size], 0)
    const totals = { rows: hot.rows + sum('rows'), hotBytes: hot.bytes, segments: segments.length, segmentBytes: sum('bytes') }
    return { name: shardName(identity), totals }
  }
}
