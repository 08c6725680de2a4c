import { tailDeliveryBytesMax, tailResumeRowsMax, tailRetryWaitsMs } from '../../core/limits.ts'
import { keepFromMs } from '../../core/settings.ts'
import { offerBlock } from './fan_out.ts'
import { windowIsNearlyFull } from './flow.ts'
import { skipTo } from './messages.ts'
import type { Subscriber, TailState } from './state.ts'
import { isBehind, noteHead, positionOf, saveDirty } from './state.ts'

/** A subscriber that is behind in a shard, and where it stands. */
interface Lag<S> {
  subscriber: Subscriber<S>
  shard: number
  position: number
}

/**
 * Reads from storage what subscribers missed: after a cursor, a lost delivery, or while they were paced. One read at a
 * time for the whole object, so that memory stays bounded; each read serves every subscriber that stands within it.
 */
export function createCatchUp<S>(state: TailState<S>) {
  let running = false
  let turns = 0

  async function run(): Promise<void> {
    const failures = new Map<number, number>()
    running = true
    try {
      for (;;) {
        skipFarBehind(state)
        saveDirty(state)
        const lags = lagsOf(state).filter(({ shard }) => (failures.get(shard) ?? 0) <= tailRetryWaitsMs.length)
        if (lags.length === 0) return
        const now = state.deps.now()
        const ready = lags.filter(({ subscriber }) => subscriber.pausedUntilMs <= now)
        const [first] = ready.sort((a, b) => a.subscriber.turn - b.subscriber.turn)
        if (first === undefined) {
          await state.deps.wait(Math.min(...lags.map(({ subscriber }) => subscriber.pausedUntilMs)) - now)
          continue
        }
        first.subscriber.turn = ++turns
        await step(first.shard, first.position, failures)
      }
    } finally {
      // Here, in the same step that found nobody to help: whoever calls from now on has to start anew.
      running = false
    }
  }

  /** One read after `position`. A shard that fails again and again is left alone until something calls for it. */
  async function step(shard: number, position: number, failures: Map<number, number>): Promise<void> {
    try {
      await read(state, shard, position)
      failures.delete(shard)
    } catch (error) {
      const failed = failures.get(shard) ?? 0
      failures.set(shard, failed + 1)
      state.deps.log('warning', 'tail catch-up failed', { ...state.shards.get(shard), error: String(error) })
      await state.deps.wait(tailRetryWaitsMs[failed] ?? 0)
    }
  }

  return {
    /** Starts if anybody is behind and nothing runs; the promise ends when nobody can be helped any further. */
    async start(): Promise<void> {
      if (!running) await run()
    },
  }
}

async function read<S>(state: TailState<S>, shard: number, position: number): Promise<void> {
  const identity = state.shards.get(shard)
  if (identity === undefined) throw new Error(`shard ${shard} is not known`)
  // The shard has been told a time itself, which may be some hours old: a subscriber sees no more than a query does.
  const cutMs = state.retention === undefined ? 0 : keepFromMs(state.retention, state.deps.now())
  const { blocks, lastSeq, skipTo: seq } = await state.deps.blocksAfter(identity, position, tailDeliveryBytesMax, cutMs)
  noteHead(state, identity, lastSeq)
  if (seq !== undefined) return skipUpTo(state, shard, position, seq)
  let reached = position
  for (const block of blocks) {
    // Rows that storage no longer has are passed over, and that is told.
    skipAll(state, shard, reached, block.meta.firstSeq - 1)
    offerBlock(state, identity, block, 'catch_up')
    reached = Math.max(reached, block.meta.firstSeq + block.meta.rows - 1)
  }
  if (blocks.length === 0) skipAll(state, shard, position, lastSeq)
}

/** Moves everybody who stands between `from` and `to` on to `to`. */
function skipAll<S>(state: TailState<S>, shard: number, from: number, to: number): void {
  for (const subscriber of state.subscribers.values()) {
    if (positionOf(subscriber, shard) >= from) skipTo(state, subscriber, shard, to, 'behind')
  }
}

/** Moves everybody who stands no further than `position` on to `seq`; who does may still be near enough to be caught up. */
function skipUpTo<S>(state: TailState<S>, shard: number, position: number, seq: number): void {
  for (const subscriber of state.subscribers.values()) {
    if (positionOf(subscriber, shard) <= position) skipTo(state, subscriber, shard, seq, 'behind')
  }
}

function skipFarBehind<S>(state: TailState<S>): void {
  for (const subscriber of state.subscribers.values()) {
    for (const [shard, head] of state.heads) {
      if (head - positionOf(subscriber, shard) > tailResumeRowsMax) skipTo(state, subscriber, shard, head, 'behind')
    }
  }
}

/** Who is behind and can take rows, now or after a pause; whoever must acknowledge first calls for it by that. */
function lagsOf<S>(state: TailState<S>): Lag<S>[] {
  const lags: Lag<S>[] = []
  for (const subscriber of state.subscribers.values()) {
    if (!isBehind(state, subscriber)) continue
    state.dirty.add(subscriber)
    if (windowIsNearlyFull(subscriber.flow, state.flow)) continue
    for (const [shard, head] of state.heads) {
      const position = positionOf(subscriber, shard)
      if (position < head) lags.push({ subscriber, shard, position })
    }
  }
  return lags
}
