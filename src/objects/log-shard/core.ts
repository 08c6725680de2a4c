import type { ObjectStore } from '../../core/object_store.ts'
import { BlockError } from '../../engine/block/block_error.ts'
import { QueryTooSlowError } from '../../engine/query/query_error.ts'
import { appendBatch } from './append.ts'
import { migrate } from './migrations.ts'
import type { Damaged, LogShardRpc, QueryCall, QueryReply, ShardIdentity, TailBlock, TooSlow } from './protocol.ts'
import { extent, query } from './queries.ts'
import { changeRow, deleteRow, getRow } from './rows.ts'
import type { Sql } from './sql.ts'
import type { ShardState } from './state.ts'
import { describeDamage, loadState } from './state.ts'
import type { ShardStore } from './store.ts'
import { createShardStore } from './store.ts'
import { blocksAfter } from './tail_blocks.ts'
import { createTailFeed } from './tail_feed.ts'

export interface ShardDeps {
  sql: Sql
  objects: ObjectStore
  limits: SealLimits
  /** Milliseconds since 1970. */
  now(): number
  /** Hands blocks to the organization's LiveTail. */
  deliver(identity: ShardIdentity, blocks: TailBlock[]): Promise<{ watching: boolean }>
  wait(ms: number): Promise<void>
  /** Lets other calls run between two slices of a job. */
  yield(): Promise<void>
  /** Calls `alarm` at this time (milliseconds since 1970); there is one alarm, and the latest word counts. Null: none. */
  setAlarm(ms: number | null): void
  /** One structured line; never the content of a log. */
  log(level: 'warning' | 'error', message: string, attributes: Record<string, unknown>): void
}

/** When hot blocks are sealed. */
export interface SealLimits {
  sealBytes: number
  sealAgeMs: number
}

/** The methods of `LogShardRpc` without the promise: all of the shard's work is synchronous. */
type Sync<T> = { [K in keyof T]: T[K] extends (...args: infer A) => Promise<infer R> ? (...args: A) => R : never }

export interface ShardCore extends Sync<LogShardRpc> {
  /** Delivers to LiveTail what it may not have; call it at wake and after `append`, and make no answer wait for it. */
  deliverTail(): Promise<void>
}

/**
 * One log shard over its SQLite. Nothing is answered that is not written: memory changes after its transaction, and
 * the shell's output gate holds an answer until the write is durable.
 */
export function createShardCore(deps: ShardDeps): ShardCore {
  migrate(deps.sql)
  const store = createShardStore(deps.sql)
  const state = loadState(store, deps.now)
  const lastSeq = state.index.lastSeq
  const { identify, identity } = createIdentity(store)
  const guarded = createGuard(deps, state, identify)
  const feed = createTailFeed({
    lastSeq,
    lastBlockSeq: () => state.index.find(lastSeq())?.firstSeq ?? 1,
    blocksAfter: (seq, bytesMax) => blocksAfter(state, seq, bytesMax),
    deliver: (blocks) => deps.deliver(identity(), blocks),
    wait: deps.wait,
    loadWatched: store.loadWatched,
    saveWatched: store.saveWatched,
    failed: (error) => deps.log('warning', 'tail delivery failed', { ...identity(), error: String(error) }),
  })
  return {
    append(request) {
      identify(request.identity, true)
      state.opened.clear()
      return appendBatch(state, request, deps.now())
    },
    query(call) {
      identify(call.identity)
      return inTime(() => loggingDamage(deps, call, query(state, call)))
    },
    extent(caller) {
      identify(caller)
      return { extent: extent(state), maxSeq: lastSeq() }
    },
    getRow: (caller, seq) => guarded('getRow', caller, () => ({ row: getRow(state, seq) })),
    changeRow: (caller, seq, change) => guarded('changeRow', caller, () => changeRow(state, seq, change, deps.now())),
    deleteRow(caller, seq) {
      identify(caller)
      return { status: deleteRow(state, seq) }
    },
    watch(caller) {
      identify(caller, true)
      feed.watch()
      return { lastSeq: lastSeq() }
    },
    blocksAfter(caller, afterSeq, bytesMax) {
      identify(caller)
      return { blocks: blocksAfter(state, afterSeq, bytesMax), lastSeq: lastSeq() }
    },
    ping: () => ({ lastSeq: lastSeq() }),
    deliverTail: feed.kick,
  }
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
    identity(): ShardIdentity {
      if (known === undefined) throw new Error('this shard does not know yet who it is')
      return known
    },
  }
}

/** Turns a query that is too slow into an answer that says so. */
function inTime<T>(work: () => T): T | TooSlow {
  try {
    return work()
  } catch (error) {
    if (error instanceof QueryTooSlowError) return { tooSlow: error.message }
    throw error
  }
}

/** Writes an error line for each block that the query had to leave out. */
function loggingDamage(deps: ShardDeps, { identity, operation }: QueryCall, reply: QueryReply): QueryReply {
  for (const { reason } of reply.damaged) deps.log('error', 'damaged block', { ...identity, operation: operation.kind, damaged: reason })
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
