import { foldAgeMs, foldShare, usageFlushMs } from '../../core/limits.ts'
import type { ObjectStore } from '../../core/object_store.ts'
import { BlockError } from '../../engine/block/block_error.ts'
import { tooSlowOf } from '../../engine/query/query_error.ts'
import { appendBatch } from './append.ts'
import type { ShardControl } from './control/control.ts'
import { createShardControl } from './control/control.ts'
import { eraseProgress, startErase } from './erase.ts'
import { createFitting } from './upkeep/fitting.ts'
import type { JobContext, SealLimits } from './upkeep/job.ts'
import type { Runner } from './upkeep/runner.ts'
import { createRunner } from './upkeep/runner.ts'
import { migrate } from './migrations.ts'
import type { AppendReply, AppendRequest, Damaged, LogShardRpc, QueryCall, QueryReply, ShardIdentity, TailBlock } from './protocol.ts'
import type { LeaseReply, LeaseRequest } from './control/protocol_control.ts'
import { extent, query } from './queries.ts'
import type { IngestLimits } from './control/rate.ts'
import { changeRow, deleteRow, getRow } from './rows.ts'
import type { Sql } from './sql.ts'
import type { ShardState } from './state.ts'
import { describeDamage, loadState } from './state.ts'
import { applyRetention, manifestPage, storageState } from './storage.ts'
import type { ShardStore } from './store.ts'
import { createShardStore } from './store.ts'
import { createTailBlocks } from './tail_blocks.ts'
import { createTailFeed } from './tail_feed.ts'

export interface ShardDeps {
  sql: Sql
  objects: ObjectStore
  limits: SealLimits & IngestLimits
  /** Milliseconds since 1970. */
  now(): number
  /** Hands blocks to the organization's LiveTail. */
  deliver(identity: ShardIdentity, blocks: TailBlock[]): Promise<{ watching: boolean }>
  /** Asks another shard of the organization, its ledger. */
  askLedger(ledger: ShardIdentity, request: LeaseRequest): Promise<LeaseReply>
  wait(ms: number): Promise<void>
  /** Lets other calls run between two slices of a job. */
  yield(): Promise<void>
  /** Calls `alarm` at this time (milliseconds since 1970); there is one alarm, and the latest word counts. Null: none. */
  setAlarm(ms: number | null): void
  /** One structured line; never the content of a log. */
  log(level: 'warning' | 'error', message: string, attributes: Record<string, unknown>): void
}

/** What of the RPC waits for nothing but SQLite, and is therefore done in one step. */
type Waiting = 'append' | 'blocksAfter' | 'sealNow'

type Sync<T> = { [K in keyof T]: T[K] extends (...args: infer A) => Promise<infer R> ? (...args: A) => R : never }

export interface ShardCore extends Sync<Omit<LogShardRpc, Waiting>>, Pick<LogShardRpc, Exclude<Waiting, 'append'>> {
  /** At once, unless the quota's ledger has to be asked. */
  append(request: AppendRequest): AppendReply | Promise<AppendReply>
  /** Who this shard is, by what it has stored; undefined until a caller that writes has said so. */
  self(): ShardIdentity | undefined
  /** Delivers to LiveTail what it may not have; call it at wake and after `append`, and make no answer wait for it. */
  deliverTail(): Promise<void>
  /** Runs the job that is due and says when to be called again, as it tells `setAlarm`. Never rejects. */
  alarm(): Promise<number | null>
}

/** What the parts of a core share. */
interface Parts {
  deps: ShardDeps
  state: ShardState
  control: ShardControl
  runner: Runner
  identify: ReturnType<typeof createIdentity>['identify']
  identity: ReturnType<typeof createIdentity>['identity']
  self: ReturnType<typeof createIdentity>['self']
}

/**
 * One log shard over its SQLite and its segments. Nothing is answered that is not written: memory changes after its
 * transaction, and the shell's output gate holds an answer until the write is durable.
 */
export function createShardCore(deps: ShardDeps): ShardCore {
  migrate(deps.sql)
  const store = createShardStore(deps.sql)
  const control = createShardControl({
    sql: deps.sql,
    limits: deps.limits,
    askLedger: deps.askLedger,
    wait: deps.wait,
    counted: () => runner.wakeBy('usage', deps.now() + usageFlushMs),
  })
  const state = loadState(store, control.usage, deps.now)
  const identification = createIdentity(store)
  const { objects, limits, now, yield: pause, log } = deps
  const fitting = { seal: createFitting(), merge: createFitting() }
  const context: JobContext = {
    state,
    objects,
    limits,
    absent: new Map(),
    fitting,
    identity: identification.identity,
    now,
    yield: pause,
    log,
  }
  const runner = createRunner(context, deps.setAlarm)
  runner.start()
  const parts: Parts = { deps, state, control, runner, ...identification }
  return { ...rowCalls(parts), ...tailCalls(parts, context), ...storageCalls(parts), ...controlCalls(parts) }
}

function rowCalls({ deps, state, control, runner, identify }: Parts) {
  const guarded = createGuard(deps, state, identify)
  return {
    append(request: AppendRequest) {
      identify(request.identity, true)
      return control.append(request, deps.now, () => {
        state.opened.clear()
        const reply = appendBatch(state, control, request, deps.now())
        if (reply.status === 'stored') wakeToSeal(deps, state, runner)
        return reply
      })
    },
    query(call) {
      identify(call.identity)
      try {
        return loggingDamage(deps, call, query(state, call))
      } catch (error) {
        return tooSlowOf(error)
      }
    },
    extent(caller) {
      identify(caller)
      return { extent: extent(state), maxSeq: state.index.lastSeq() }
    },
    getRow: (caller, seq) => guarded('getRow', caller, () => getRow(state, seq)),
    changeRow: (caller, seq, change, sealed) =>
      guarded('changeRow', caller, () => {
        const reply = changeRow(state, seq, change, deps.now(), sealed)
        wakeToFold(deps, state, runner)
        return reply
      }),
    deleteRow(caller, seq, sealed) {
      identify(caller)
      const reply = deleteRow(state, seq, sealed)
      wakeToFold(deps, state, runner)
      return reply
    },
    ping: () => ({ lastSeq: state.index.lastSeq() }),
  } satisfies Partial<ShardCore>
}

function tailCalls({ deps, state, identify, identity }: Parts, context: JobContext) {
  const { lastSeq, find } = state.index
  const tail = createTailBlocks(context)
  const feed = createTailFeed({
    lastSeq,
    lastBlockSeq: () => find(lastSeq())?.firstSeq ?? lastSeq() + 1,
    // LiveTail sees what is left out, and asks for it.
    blocksAfter: (seq, bytesMax) => tail.blocksAfter(tail.skipFrom(seq) ?? seq, bytesMax, 0),
    deliver: (blocks) => deps.deliver(identity(), blocks),
    wait: deps.wait,
    loadWatched: state.store.loadWatched,
    saveWatched: state.store.saveWatched,
    failed: (error) => deps.log('warning', 'tail delivery failed', { ...identity(), error: String(error) }),
  })
  return {
    watch(caller) {
      identify(caller, true)
      feed.watch()
      return { lastSeq: lastSeq() }
    },
    async blocksAfter(caller, afterSeq, bytesMax, keepFromMs) {
      identify(caller)
      const skipTo = tail.skipFrom(afterSeq)
      if (skipTo !== undefined) return { blocks: [], lastSeq: lastSeq(), skipTo }
      const blocks = await tail.blocksAfter(afterSeq, bytesMax, keepFromMs)
      return { blocks, lastSeq: lastSeq() }
    },
    deliverTail: feed.kick,
  } satisfies Partial<ShardCore>
}

function storageCalls({ deps, state, runner, identify, self }: Parts) {
  return {
    self,
    manifest(caller, page) {
      identify(caller)
      return manifestPage(state, page)
    },
    segments(caller) {
      identify(caller)
      return storageState(state)
    },
    startErase(caller, request) {
      identify(caller)
      const reply = startErase(state, request, deps.now())
      runner.wakeBy('erase', deps.now())
      return reply
    },
    eraseProgress(caller, id) {
      identify(caller)
      return eraseProgress(state, id)
    },
    applyRetention(caller, keepFromMs, version) {
      identify(caller)
      const progress = applyRetention(state, keepFromMs, version)
      if (progress.pending) runner.wakeBy('retention', deps.now())
      return progress
    },
    async sealNow(caller) {
      identify(caller)
      await runner.sealThrough(state.index.lastSeq())
      return storageState(state)
    },
    alarm: runner.alarm,
  } satisfies Partial<ShardCore>
}

function controlCalls({ deps, state, control, runner, identify }: Parts) {
  return {
    countRefused(caller, usage) {
      identify(caller, true)
      control.usage.countRefused(usage, deps.now())
      runner.wakeBy('usage', deps.now() + usageFlushMs)
    },
    usage(caller, fromDay, toDay) {
      identify(caller)
      return control.usage.days(fromDay, toDay)
    },
    lease(caller, request) {
      identify(caller, true)
      return control.quota.grant(request, deps.now())
    },
    knowsKey(caller, keyHash) {
      identify(caller)
      const known = state.keys.find(keyHash, deps.now()) !== undefined
      if (!known) control.moved.add(keyHash, deps.now())
      return { known }
    },
  } satisfies Partial<ShardCore>
}

/** Hot rows are sealed when they are old enough, or at once when there are enough. */
function wakeToSeal({ now, limits }: ShardDeps, { index, manifest }: ShardState, runner: Runner): void {
  const isEnough = index.hot(manifest.record().sealedSeq).bytes >= limits.sealBytes
  runner.wakeBy('seal', isEnough ? now() : now() + limits.sealAgeMs)
}

/** Edits of sealed rows are folded in some time later, or at once when there are many. */
function wakeToFold({ now }: ShardDeps, { patches }: ShardState, runner: Runner): void {
  if (patches.count() > 0) runner.wakeBy('fold', patches.share() >= foldShare ? now() : now() + foldAgeMs)
}

/** Who this shard is. A name that is reached under two identities would mix tenants, so that is refused. */
function createIdentity(store: ShardStore) {
  let known = store.loadIdentity()
  return {
    /** Throws when the caller means another shard; `remember` makes a new shard take the caller's word. */
    identify(caller: ShardIdentity, remember = false): void {
      if (known === undefined) {
        if (!remember) return
        store.saveIdentity(caller)
        known = caller
      } else if (known.organizationId !== caller.organizationId || known.region !== caller.region || known.shard !== caller.shard) {
        throw new Error(`this shard is ${JSON.stringify(known)}, not ${JSON.stringify(caller)}`)
      }
    },
    self: (): ShardIdentity | undefined => known,
    identity(): ShardIdentity {
      if (known === undefined) throw new Error('this shard does not know yet who it is')
      return known
    },
  }
}

/** Writes an error line for each block that the query had to leave out. */
function loggingDamage(deps: ShardDeps, { identity, operation }: QueryCall, reply: QueryReply): QueryReply {
  for (const { segment, reason } of reply.damaged)
    deps.log('error', 'damaged block', { ...identity, operation: operation.kind, segment, damaged: reason })
  return reply
}

/** Turns damage that an operation meets into an answer that says so, and an error line in the log. */
function createGuard(deps: ShardDeps, state: ShardState, identify: (caller: ShardIdentity) => void) {
  return <T>(operation: string, caller: ShardIdentity, work: () => T): T | Damaged => {
    identify(caller)
    state.opened.clear()
    try {
      return work()
    } catch (error) {
      if (!(error instanceof BlockError)) throw error
      const damaged = describeDamage(state, error)
      deps.log('error', 'damaged block', { ...caller, operation, damaged })
      return { damaged }
    }
  }
}
