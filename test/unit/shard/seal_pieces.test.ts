import { describe, expect, test } from 'vitest'
import { sealBlocksMax, sealOpenedBytesMax } from '../../../src/core/limits.ts'
import type { BlockMeta } from '../../../src/engine/block/types.ts'
import { pieceBlocks } from '../../../src/objects/log-shard/upkeep/seal.ts'
import { append, batch, identity, range, row, startMs, world } from './shard_world.ts'

describe('a seal', () => {
  test('takes fewer blocks where they hold far more than they take, so that its work and its memory stay bounded', () => {
    const metas = Array.from({ length: 2 * sealBlocksMax }, (_, i): BlockMeta => {
      return { firstSeq: 1 + i * 10, rows: 10, minMs: startMs, maxMs: startMs, severityCounts: [0, 0, 10, 0, 0, 0], bytes: 1000 }
    })
    const take = (opened: number, more = {}) =>
      pieceBlocks(metas, { bytesMax: Infinity, blocksMax: Infinity, openedBytes: () => opened, ...more })
    expect(take(0)).toBe(sealBlocksMax)
    expect(take(sealOpenedBytesMax / 64)).toBe(64)
    expect(take(2 * sealOpenedBytesMax)).toBe(1)
    expect(take(0, { bytesMax: 5000 })).toBe(5)
    expect(take(0, { blocksMax: 3 })).toBe(3)
  })

  test('puts the few rows of clocks that are wrong into one segment, beside that of the others', async () => {
    const { core } = world()
    const days = [-9000, -400, -20, 0, 1, 30, 800]
    const rows = days.flatMap((day) =>
      Array.from({ length: day === 0 ? 20 : 1 }, (_, n) => row(`${day}.${n}`, { timestampMs: startMs + day * 86_400_000 })),
    )
    append(core, batch(rows))
    await core.sealNow(identity)
    const { segments } = core.segments(identity)
    expect(segments.map((meta) => meta.rows).sort((a, b) => a - b)).toEqual([5, 21])
  })

  test('is not begun by a delete of a time of which nothing is hot', async () => {
    const { core } = world()
    append(core, batch(['a']))
    core.startErase(identity, { id: 'past', q: 'a', range: { fromMs: 0, toMs: startMs } })
    while ((await core.alarm()) === startMs);
    expect(core.eraseProgress(identity, 'past')).toMatchObject({ status: 'done' })
    expect(core.segments(identity)).toMatchObject({ sealedSeq: 0, hot: { rows: 1 } })
    core.startErase(identity, { id: 'now', q: 'a', range })
    while ((await core.alarm()) === startMs);
    expect(core.eraseProgress(identity, 'now')).toMatchObject({ status: 'done', erased: 1 })
  })
})
