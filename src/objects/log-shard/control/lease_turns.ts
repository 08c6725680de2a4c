import { leaseCallMs, leaseRoundsMax } from '../../../core/limits.ts'
import type { LeaseReply, LeaseRequest, QuotaExceeded } from './protocol_control.ts'
import type { LeaseNeeded } from './quota.ts'

interface Steps<T> {
  /** Stores the batch, or says what has to be granted first; synchronous, so nothing comes between check and storing. */
  attempt(): T | LeaseNeeded
  /** Rejects when the ledger cannot be reached. */
  ask(request: LeaseRequest): Promise<LeaseReply>
  take(request: LeaseRequest, granted: Extract<LeaseReply, { status: 'granted' }>): void
  /** The ledger refuses the batch. */
  refuse(refusal: QuotaExceeded): T
}

/**
 * Lets batches that need a lease ask for it one after the other: what the first is granted ahead is enough for most that
 * wait behind it. A batch that needs none waits for nobody.
 */
export function createLeaseTurns(wait: (ms: number) => Promise<void>) {
  let last: Promise<unknown> = Promise.resolve()

  /** Rejects, with an error that counts as temporary, when there is no answer in time. */
  function inTime(call: Promise<LeaseReply>): Promise<LeaseReply> {
    const late = wait(leaseCallMs).then(() => {
      throw new Error('the ledger of the quota did not answer, please try again')
    })
    return Promise.race([call, late])
  }

  async function settle<T>({ attempt, ask, take, refuse }: Steps<T>): Promise<T> {
    for (let round = 0; round < leaseRoundsMax; round++) {
      const before = attempt()
      if (!isNeeded(before)) return before
      const reply = await inTime(ask(before.lease))
      if (reply.status === 'granted') take(before.lease, reply)
      else {
        // It may have been stored meanwhile under the same key, and is then acknowledged.
        const after = attempt()
        return isNeeded(after) ? refuse(reply) : after
      }
    }
    throw new Error('other batches used up what the ledger granted for this one, please try again')
  }

  return function withLease<T extends object>(steps: Steps<T>): T | Promise<T> {
    const first = steps.attempt()
    if (!isNeeded(first)) return first
    const turn = last.then(() => settle(steps))
    last = turn.catch(() => undefined)
    return turn
  }
}

function isNeeded(outcome: unknown): outcome is LeaseNeeded {
  return typeof outcome === 'object' && outcome !== null && 'status' in outcome && outcome.status === 'lease_needed'
}
