import { BlockError } from '../../engine/block/block_error.ts'
import { appendBatch } from './append.ts'
import { migrate } from './migrations.ts'
import type { AppendReply, AppendRequest, ChangeReply, Damaged, FacetsCall, HistogramCall, LogShardRpc, QueryScope } from './protocol.ts'
import type { RowChange, SearchCall, ShardIdentity, TailBlock } from './protocol.ts'
import { count, extent, facets, histogram, search } from './queries.ts'
import { changeRow, deleteRow, getRow } from './rows.ts'
import type { Sql } from './sql.ts'
import { describeDamage, loadState } from './state.ts'
import { createShardStore } from './store.ts'
import { blocksAfter } from './tail_blocks.ts'
import { createTailFeed } from './tail_feed.ts'

export interface ShardDeps {
  sql: Sql
  /** Milliseconds since 1970. */
  now(): number
  /** Hands blocks to the organization's LiveTail. */
  deliver(identity: ShardIdentity, blocks: TailBlock[]): Promise<{ watching: boolean }>
  wait(ms: number): Promise<void>
  /** One structured line; never the content of a log. */
  log(level: 'warn' | 'error', message: string, attributes: Record<string, unknown>): void
}

/** The methods of `LogShardRpc` without the promise: all of the shard's work is synchronous. */
type Sync<T> = { [K in keyof T]: T[K] extends (...args: infer A) => Promise<infer R> ? (...args: A) => R : never }

export interface ShardCore extends Sync<LogShardRpc> {
  /** Delivers to LiveTail what it has not got; call it after `append` and do not make the answer wait for it. */
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
  let known = store.loadIdentity()
  const feed = createTailFeed({
    lastSeq: state.index.lastSeq,
    blocksAfter: (seq, bytesMax) => blocksAfter(state, seq, bytesMax),
    deliver: (blocks) => (known === undefined ? Promise.resolve({ watching: false }) : deps.deliver(known, blocks)),
    wait: deps.wait,
    loadWatched: store.loadWatched,
    saveWatched: store.saveWatched,
    failed: (error) => deps.log('warn', 'tail delivery failed', { ...known, error: String(error) }),
  })

  /** A name that is reached under two identities would mix tenants: refuse before anything is read or written. */
  function identify(identity: ShardIdentity, remember = false): void {
    if (known === undefined) {
      if (!remember) return
      store.saveIdentity(identity)
      known = identity
    } else if (known.organizationId !== identity.organizationId || known.region !== identity.region || known.shard !== identity.shard) {
      throw new Error(`this shard is ${JSON.stringify(known)}, not ${JSON.stringify(identity)}`)
    }
  }

  /** Turns damage into an answer that says so, and an error line in the log. */
  function guarded<T>(operation: string, identity: ShardIdentity, work: () => T): T | Damaged {
    identify(identity)
    state.opened.clear()
    try {
      return work()
    } catch (error) {
      if (!(error instanceof BlockError)) throw error
      const damaged = describeDamage(state, error)
      deps.log('error', 'damaged block', { ...identity, operation, damaged })
      return { damaged }
    }
  }

  return {
    append(request: AppendRequest): AppendReply {
      identify(request.identity, true)
      return appendBatch(state, request, deps.now())
    },
    search: (call: SearchCall) => guarded('search', call.identity, () => search(state, call)),
    count: (call: QueryScope) => guarded('count', call.identity, () => count(state, call)),
    histogram: (call: HistogramCall) => guarded('histogram', call.identity, () => histogram(state, call)),
    facets: (call: FacetsCall) => guarded('facets', call.identity, () => facets(state, call)),
    extent(identity: ShardIdentity) {
      identify(identity)
      return { extent: extent(state), maxSeq: state.index.lastSeq() }
    },
    getRow: (identity: ShardIdentity, seq: number) => guarded('getRow', identity, () => ({ row: getRow(state, seq) })),
    changeRow: (identity: ShardIdentity, seq: number, change: RowChange): ChangeReply =>
      guarded('changeRow', identity, () => changeRow(state, seq, change, deps.now())),
    deleteRow(identity: ShardIdentity, seq: number) {
      identify(identity)
      return { status: deleteRow(state, seq) }
    },
    watch(identity: ShardIdentity) {
      identify(identity, true)
      feed.watch()
      return { lastSeq: state.index.lastSeq() }
    },
    blocksAfter(identity: ShardIdentity, afterSeq: number, bytesMax: number) {
      identify(identity)
      return { blocks: blocksAfter(state, afterSeq, bytesMax), lastSeq: state.index.lastSeq() }
    },
    ping: () => ({ lastSeq: state.index.lastSeq() }),
    deliverTail: () => feed.kick(),
  }
}
