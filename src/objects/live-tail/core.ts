import type { TailConnect } from '../../core/tail.ts'
import type { ShardIdentity, TailBlock } from '../log-shard/protocol.ts'
import { createCatchUp } from './catch_up.ts'
import { receive } from './client.ts'
import { connect, watchAll } from './connect.ts'
import { offerBlock } from './fan_out.ts'
import { closeCodes, end, forget } from './messages.ts'
import { restore } from './restore.ts'
import type { Attachment, TailDeps } from './state.ts'
import { createState, noteHead, saveDirty } from './state.ts'

export type TailCore<S> = ReturnType<typeof createTailCore<S>>

/**
 * The live tail of one organization. Each subscriber has a position in every shard: a row goes to it once, when its
 * position reaches the row, from a delivery or, after any gap, from storage. `restored` are the sockets that outlived the
 * last life of the object; call `resume` then.
 */
export function createTailCore<S>(deps: TailDeps<S>, restored: Iterable<[socket: S, attachment: Attachment]> = []) {
  const state = createState(deps)
  const catchUp = createCatchUp(state)
  let wasBehind = false
  for (const [socket, attachment] of restored) {
    restore(state, socket, attachment)
    wasBehind ||= attachment.behind
  }

  return {
    /** Sets up a subscription and sends `ready`, or says why not; `accept` is called once nothing can refuse. Then `settle`. */
    connect: (request: TailConnect, accept: () => S) => connect(state, request, accept),

    /** Blocks in shard order; then `settle`. `watching: false` ends the shard's deliveries. */
    deliver(identity: ShardIdentity, blocks: readonly TailBlock[]): { watching: boolean } {
      for (const block of blocks) {
        noteHead(state, identity, block.meta.firstSeq + block.meta.rows - 1)
        offerBlock(state, identity, block, 'live')
      }
      saveDirty(state)
      return { watching: state.subscribers.size + state.connecting > 0 }
    },

    /** A message of a client; then `settle`. */
    message(socket: S, data: string | ArrayBuffer): void {
      const subscriber = state.subscribers.get(socket)
      if (subscriber !== undefined) receive(state, subscriber, data)
      saveDirty(state)
    },

    closed(socket: S): void {
      const subscriber = state.subscribers.get(socket)
      if (subscriber !== undefined) forget(state, subscriber)
    },

    /** Ends a holder's subscriptions because the right to them ended. */
    revoke(holder: string, endedMs: number, sockets: Iterable<S>): void {
      deps.endRight(holder, endedMs)
      for (const socket of sockets) {
        const subscriber = state.subscribers.get(socket)
        if (subscriber !== undefined) end(state, subscriber, closeCodes.ended, 'the access ended')
      }
    },

    /** Goes on with what waits for anybody; ends at once when nobody is behind. */
    settle: () => catchUp.start(),

    /** After a restart: finds out whether restored subscribers missed anything. */
    async resume(): Promise<void> {
      if (!wasBehind) return
      wasBehind = false
      try {
        await watchAll(state, state.shards.values())
      } catch (error) {
        // The next delivery of the shard shows the gap as well.
        deps.log('warning', 'a shard cannot be reached', { error: String(error) })
      }
      await catchUp.start()
    },
  }
}
