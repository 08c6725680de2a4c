import { tailDeliveryBytesMax, tailRetryWaitsMs } from '../../core/limits.ts'
import type { TailBlock } from './protocol.ts'

export interface TailFeedDeps {
  /** Blocks with rows after this seq, in order; none when there are none. */
  blocksAfter(seq: number, bytesMax: number): TailBlock[] | Promise<TailBlock[]>
  lastSeq(): number
  /** First seq of the newest block; 1 when there is none. */
  lastBlockSeq(): number
  /** Hands blocks to LiveTail; rejects when it could not take them. */
  deliver(blocks: TailBlock[]): Promise<{ watching: boolean }>
  wait(ms: number): Promise<void>
  loadWatched(): boolean
  saveWatched(watched: boolean): void
  /** Tells of a failed delivery; the feed goes on by itself. */
  failed(error: unknown): void
}

export type TailFeed = ReturnType<typeof createTailFeed>

/**
 * Brings new blocks to LiveTail in order, one delivery at a time, off the acknowledging path, read back from storage so that nothing
 * piles up in memory. After a restart it begins with the newest block, which may not have been delivered: LiveTail skips what
 * it has and pulls what it lacks.
 */
export function createTailFeed(deps: TailFeedDeps) {
  let watched = deps.loadWatched()
  let deliveredSeq = watched ? deps.lastBlockSeq() - 1 : deps.lastSeq()
  let busy = false
  let idle: Promise<void> = Promise.resolve()
  /** Counts `watch` calls: an answer "nobody watches" that is older than the newest of them is void. */
  let watchCalls = 0

  async function run(): Promise<void> {
    busy = true
    try {
      await deliverAll()
    } finally {
      busy = false
    }
  }

  async function deliverAll(): Promise<void> {
    let failures = 0
    while (watched) {
      const callsBefore = watchCalls
      try {
        const found = deps.blocksAfter(deliveredSeq, tailDeliveryBytesMax)
        const blocks = found instanceof Promise ? await found : found
        const last = blocks.at(-1)
        if (last === undefined) return
        const { watching } = await deps.deliver(blocks)
        deliveredSeq = last.meta.firstSeq + last.meta.rows - 1
        failures = 0
        if (!watching && callsBefore === watchCalls) setWatched(false)
      } catch (error) {
        deps.failed(error)
        const waitMs = tailRetryWaitsMs[failures++]
        if (waitMs === undefined) return
        await deps.wait(waitMs)
      }
    }
  }

  function setWatched(value: boolean): void {
    if (watched === value) return
    deps.saveWatched(value)
    watched = value
  }

  return {
    /** Starts delivery of what is not delivered yet; the promise ends when there is nothing more to do. */
    kick(): Promise<void> {
      if (watched && !busy) idle = run()
      return idle
    },

    /** Somebody watches from now on; rows up to the present are pulled by LiveTail, not delivered. */
    watch(): void {
      watchCalls++
      if (!watched) deliveredSeq = deps.lastSeq()
      setWatched(true)
    },

    watched: () => watched,
  }
}
