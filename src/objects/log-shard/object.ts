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

/**
 * The logs of one organization in one region: a shell that gives `createShardCore` its SQLite, bucket, alarm, clock and
 * LiveTail. Writes are never let out unconfirmed, so an answer leaves only when what it says is durable.
 */
export class LogShard extends DurableObject<LogShardEnv> implements LogShardRpc {
  readonly #core: ShardCore
  readonly #costs: ObjectCosts

  constructor(ctx: DurableObjectState, env: LogShardEnv) {
    super(ctx, env)
    const log = (level: 'warning' | 'error', message: string, attributes: Record<string, unknown>) =>
      writeLine(level, message, { object: 'log_shard', ...attributes })
    this.#costs = createObjectCosts('shard', env.METER, (error) => log('warning', 'costs were not reported', { error: String(error) }))
    const { count } = this.#costs
    const tails = meteredNamespace(env.LIVE_TAIL, count)
    const shards = meteredNamespace(env.LOG_SHARD, count)
    this.#core = createShardCore({
      sql: { all: meteredSql(ctx.storage.sql, count), transaction: (work) => ctx.storage.transactionSync(work) },
      objects: openObjectStore(meteredBucket(env.STORAGE, count), (ms, options) => scheduler.wait(ms, options)),
      limits: limitsOf(env),
      now: () => Date.now(),
      deliver: (identity, blocks) => tails.getByName(identity.organizationId).deliver(identity, blocks),
      askLedger: (ledger, request) => shards.getByName(shardName(ledger)).lease(ledger, request),
      wait: (ms) => scheduler.wait(ms),
      yield: () => scheduler.wait(0),
      setAlarm: createAlarm(ctx, count),
      log,
    })
    // What was stored just before a restart would otherwise reach a quiet tail only with the next batch.
    ctx.waitUntil(this.#core.deliverTail())
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
    const identity = this.#core.self()
    if (identity === undefined) return undefined
    const { segments, hot } = this.#core.segments(identity)
    const sum = (size: 'rows' | 'bytes') => segments.reduce((total, segment) => total + segment[size], 0)
    const totals = { rows: hot.rows + sum('rows'), hotBytes: hot.bytes, segments: segments.length, segmentBytes: sum('bytes') }
    return { name: shardName(identity), totals }
  }
}
