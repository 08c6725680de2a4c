import { describe, expect, test } from 'vitest'
import type { TailBlock } from '../../../src/objects/log-shard/protocol.ts'
import { createTailFeed } from '../../../src/objects/log-shard/tail_feed.ts'

const head = new Uint8Array(10)
const block = (firstSeq: number, rows: number): TailBlock => ({
  head,
  body: head,
  meta: { firstSeq, rows, minMs: 0, maxMs: 0, severityCounts: [], bytes: 20 },
})

/** A feed over a growing list of blocks of one row each; `answers` says what LiveTail does with each delivery. */
function world(options: { watched?: boolean; stored?: number } = {}) {
  let watched = options.watched ?? true
  let lastSeq = options.stored ?? 0
  const delivered: number[][] = []
  const waits: number[] = []
  const failures: unknown[] = []
  let onDeliver: () => Promise<{ watching: boolean }> = async () => ({ watching: true })
  const feed = createTailFeed({
    lastSeq: () => lastSeq,
    lastBlockSeq: () => Math.max(lastSeq, 1),
    blocksAfter: (seq) => Array.from({ length: Math.min(lastSeq - seq, 2) }, (_, i) => block(seq + 1 + i, 1)),
    async deliver(blocks) {
      const answer = await onDeliver()
      delivered.push(blocks.map(({ meta }) => meta.firstSeq))
      return answer
    },
    wait: async (ms) => void waits.push(ms),
    loadWatched: () => watched,
    saveWatched: (value) => void (watched = value),
    failed: (error) => void failures.push(error),
  })
  return {
    feed,
    delivered,
    waits,
    failures,
    store(rows = 1) {
      lastSeq += rows
      return feed.kick()
    },
    onDeliver: (next: typeof onDeliver) => void (onDeliver = next),
    savedWatched: () => watched,
  }
}

describe('delivery to LiveTail', () => {
  test('brings every stored row once, in order, one delivery at a time', async () => {
    const { store, delivered } = world()
    await Promise.all([store(), store(3), store()])
    expect(delivered).toEqual([[1], [2, 3], [4, 5]])
  })

  test('does nothing while nobody watches', async () => {
    const { store, delivered } = world({ watched: false })
    await store(5)
    expect(delivered).toEqual([])
  })

  test('starts with what is stored after somebody begins to watch', async () => {
    const { store, delivered, feed, savedWatched } = world({ watched: false, stored: 7 })
    feed.watch()
    await store()
    expect(delivered).toEqual([[8]])
    expect(savedWatched()).toBe(true)
  })

  test('ends when LiveTail answers that nobody watches any more', async () => {
    const { store, delivered, onDeliver, savedWatched } = world()
    onDeliver(async () => ({ watching: false }))
    await store()
    await store()
    expect(delivered).toEqual([[1]])
    expect(savedWatched()).toBe(false)
  })

  test('goes on when somebody began to watch while that answer was on its way', async () => {
    const { store, delivered, feed, onDeliver, savedWatched } = world()
    onDeliver(async () => {
      feed.watch()
      return { watching: false }
    })
    await store()
    onDeliver(async () => ({ watching: true }))
    await store()
    expect(delivered).toEqual([[1], [2]])
    expect(savedWatched()).toBe(true)
  })

  test('tries again after a failure, without a gap', async () => {
    const { store, delivered, onDeliver, waits, failures } = world()
    let left = 2
    onDeliver(async () => {
      if (left-- > 0) throw new Error('restarting')
      return { watching: true }
    })
    await store(2)
    expect(delivered).toEqual([[1, 2]])
    expect(failures).toHaveLength(2)
    expect(waits).toEqual([50, 250])
  })

  test('gives up after some tries, and takes the gap up with the next batch', async () => {
    const { store, delivered, onDeliver, waits } = world()
    onDeliver(() => Promise.reject(new Error('down')))
    await store()
    expect(waits).toHaveLength(3)
    onDeliver(async () => ({ watching: true }))
    await store()
    expect(delivered).toEqual([[1, 2]])
  })

  test('begins after a restart with the newest block, by which LiveTail sees what else it missed', async () => {
    const { feed, store, delivered } = world({ stored: 10 })
    await feed.kick()
    await store()
    expect(delivered).toEqual([[10], [11]])
  })

  test('wakes nobody when the shard is empty or nobody watches', async () => {
    for (const options of [{ stored: 0 }, { stored: 10, watched: false }]) {
      const { feed, delivered } = world(options)
      await feed.kick()
      expect(delivered).toEqual([])
    }
  })
})
