import { expect, test } from 'vitest'
import {
  tailMessageCharsMax,
  tailUnackedBurstBytes,
  tailUnackedBytesPerSecond,
  tailUnackedSharedBurstBytes,
  tailUnackedSharedBytesPerSecond,
  tailWindowBytesMax,
  tailWindowSharedBytesMax,
} from '../../../src/core/limits.ts'
import { createTailCore } from '../../../src/objects/live-tail/core.ts'
import { organizationId, plainConnect, plainTailDeps } from './tail_world.ts'

/** 100 KiB of UTF-8 in a third as many characters. */
const wideRow = JSON.stringify({ message: '\u20ac'.repeat(34_000) })
const messageBytesMax = 3 * tailMessageCharsMax

interface Peer {
  bytes: number
  rows: number
  cursor: string
  told: number
}

/** A tail whose rows are wide, with clients that never read: only what they are sent is counted. */
function wideTail() {
  const clock = { now: 0 }
  let lastSeq = 0
  const tail = createTailCore<Peer>({
    ...plainTailDeps,
    now: () => clock.now,
    send(peer, text) {
      const message = JSON.parse(text) as { type: string; cursor: string; count?: number; logs?: unknown[] }
      peer.bytes += Buffer.byteLength(text)
      peer.rows += message.type === 'log_created' ? 1 : (message.logs?.length ?? 0)
      peer.cursor = message.cursor
      if (message.type === 'dropped') peer.told += message.count ?? 0
    },
    watch: async () => ({ lastSeq }),
    openBlock: (_, { meta }) => ({
      select: () => Array.from({ length: meta.rows }, (_row, i) => i),
      texts: (rows) => rows.map(() => wideRow),
      release: () => undefined,
    }),
  })
  return {
    clock,
    tail,
    async open(): Promise<Peer> {
      const peer: Peer = { bytes: 0, rows: 0, cursor: '', told: 0 }
      const request = { ...plainConnect, shards: [{ region: 'weur', number: 0 }] }
      expect(await tail.connect(request, () => peer)).toBeUndefined()
      return peer
    },
    ack: (peer: Peer) => tail.message(peer, JSON.stringify({ type: 'ack', cursor: peer.cursor })),
    store(rows: number): void {
      const meta = { firstSeq: lastSeq + 1, rows, minMs: 0, maxMs: 0, severityCounts: [0, 0, rows, 0, 0, 0], bytes: 0 }
      lastSeq += rows
      tail.deliver({ organizationId, region: 'weur', shard: 0 }, [{ meta, head: new Uint8Array(), body: new Uint8Array() }])
    },
  }
}

const bytesOf = (peers: Peer[]) => peers.reduce((sum, { bytes }) => sum + bytes, 0)

test('a client that never acknowledged gets its allowance of bytes, and the rest is told', async () => {
  const { clock, open, store } = wideTail()
  const peer = await open()
  for (let i = 0; i < 20; i++) store(10)
  expect(peer.bytes).toBeGreaterThan(tailUnackedBurstBytes)
  expect(peer.bytes).toBeLessThan(tailUnackedBurstBytes + messageBytesMax)
  expect(peer.rows + peer.told).toBe(200)
  const before = peer.bytes
  clock.now += 1000
  for (let i = 0; i < 20; i++) store(10)
  expect(peer.bytes - before).toBeLessThan(tailUnackedBytesPerSecond + messageBytesMax)
  expect(peer.rows + peer.told).toBe(400)
})

test('clients that never acknowledged share the budget of the object', async () => {
  const { clock, open, store } = wideTail()
  const peers: Peer[] = []
  for (let i = 0; i < 16; i++) peers.push(await open())
  for (let i = 0; i < 10; i++) store(10)
  const burst = bytesOf(peers)
  expect(burst).toBeGreaterThan(tailUnackedSharedBurstBytes)
  expect(burst).toBeLessThan(tailUnackedSharedBurstBytes + messageBytesMax)
  clock.now += 1000
  for (let i = 0; i < 10; i++) store(10)
  expect(bytesOf(peers) - burst).toBeLessThan(tailUnackedSharedBytesPerSecond + messageBytesMax)
  expect(peers.map(({ rows, told }) => rows + told)).toEqual(Array(16).fill(200))
})

test('a client that acknowledges has a window of bytes, whatever time passes, and goes on with its next ack', async () => {
  const { clock, open, store, ack } = wideTail()
  const peer = await open()
  ack(peer)
  for (let i = 0; i < 20; i++, clock.now += 1000) store(10)
  expect(peer.bytes).toBeGreaterThan(tailWindowBytesMax)
  expect(peer.bytes).toBeLessThan(tailWindowBytesMax + messageBytesMax)
  const { rows } = peer
  ack(peer)
  store(1)
  expect([peer.rows, peer.told]).toEqual([rows + 1, 200 - rows])
})

test('what was on its way to a closed client is room for the others again', async () => {
  const { clock, tail, open, store, ack } = wideTail()
  const stalled: Peer[] = []
  for (let i = 0; i < 12; i++) stalled.push(await open())
  for (const peer of stalled) ack(peer)
  for (let i = 0; i < 6; i++, clock.now += 1000) store(10)
  for (const peer of stalled) tail.closed(peer)
  const peer = await open()
  ack(peer)
  store(10)
  store(10)
  expect([peer.rows, peer.told]).toEqual([20, 0])
})

test('clients that stopped acknowledging cost the object a bounded memory and do not stop the others', async () => {
  const { clock, open, store, ack } = wideTail()
  const stalled: Peer[] = []
  for (let i = 0; i < 50; i++) stalled.push(await open())
  for (const peer of stalled) ack(peer)
  for (let i = 0; i < 20; i++, clock.now += 1000) store(4)
  expect(bytesOf(stalled)).toBeLessThan(tailWindowSharedBytesMax + 50 * messageBytesMax)
  const lively = await open()
  ack(lively)
  for (let i = 0; i < 20; i++, clock.now += 1000) {
    store(1)
    ack(lively)
  }
  expect([lively.rows, lively.told]).toEqual([20, 0])
})
