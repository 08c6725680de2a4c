import { describe, expect, it } from 'vitest'
import { leaseCallMs, leaseRoundsMax } from '../../../src/core/limits.ts'
import { isTemporary } from '../../../src/core/temporary.ts'
import { createLeaseTurns } from '../../../src/objects/log-shard/control/lease_turns.ts'
import type { LeaseReply, LeaseRequest, QuotaExceeded } from '../../../src/objects/log-shard/control/protocol_control.ts'
import { noLimit } from './control_world.ts'

const nothing = { rows: 0, bytes: 0 }
const lease: LeaseRequest = {
  from: { organizationId: 'org', region: 'weur', shard: 1 },
  quota: noLimit,
  version: 0,
  shards: 2,
  minute: 0,
  month: 0,
  stored: { minute: nothing, month: nothing },
  need: nothing,
}
const granted: LeaseReply = { status: 'granted', minute: nothing, month: nothing }
const refusal: QuotaExceeded = { status: 'quota_exceeded', limit: 'rowsPerMonth', value: 1, usage: 1, retryAfterMs: 1 }
const needed = () => ({ status: 'lease_needed', lease }) as const
const stored = { status: 'stored' }

function unanswered(): Promise<never> {
  return new Promise<never>(() => undefined)
}

type Case = [name: string, wait: () => Promise<void>, ask: () => Promise<LeaseReply>, asked: number]

const endless: Case[] = [
  ['give up after some rounds', unanswered, async () => granted, leaseRoundsMax],
  ['do not wait for a ledger that does not answer', async () => undefined, unanswered, 1],
]

/** Fits once `grants` leases were taken; the calls, in order. */
function batch(name: string, grants: number, calls: string[], ask = async (): Promise<LeaseReply> => granted) {
  let taken = 0
  return {
    attempt: () => (taken >= grants ? stored : needed()),
    ask: () => {
      calls.push(name)
      return ask()
    },
    take: () => void taken++,
    refuse: (reply: QuotaExceeded) => reply as { status: string },
  }
}

describe('batches that need a lease', () => {
  it('do not wait when they need none', () => {
    expect(createLeaseTurns(unanswered)(batch('a', 0, []))).toBe(stored)
  })

  it('ask one after the other, and one that fails lets the next one ask', async () => {
    const calls: string[] = []
    const withLease = createLeaseTurns(unanswered)
    const broken = batch('broken', 1, calls, () => Promise.reject(new Error('lost')))
    const results = await Promise.allSettled([withLease(batch('a', 2, calls)), withLease(broken), withLease(batch('b', 1, calls))])
    expect(calls).toEqual(['a', 'a', 'broken', 'b'])
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  })

  it('are stored after all when a refusal comes too late', async () => {
    let attempts = 0
    const steps = { ...batch('a', 9, [], async () => refusal), attempt: () => (++attempts === 4 ? stored : needed()) }
    const withLease = createLeaseTurns(unanswered)
    expect(await withLease(steps)).toBe(refusal)
    expect(await withLease({ ...steps, attempt: () => (++attempts === 6 ? stored : needed()) })).toBe(stored)
  })

  it.each(endless)('%s, with an error that says to try again', async (_, wait, ask, asked) => {
    const calls: string[] = []
    const waits: number[] = []
    const withLease = createLeaseTurns((ms) => {
      waits.push(ms)
      return wait()
    })
    const error: unknown = await Promise.resolve(withLease(batch('a', Infinity, calls, ask))).catch((reason: unknown) => reason)
    expect(isTemporary(error)).toBe(true)
    expect([calls.length, new Set(waits)]).toEqual([asked, new Set([leaseCallMs])])
  })
})
