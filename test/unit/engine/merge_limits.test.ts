import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import {
  blockBytesMax,
  blockColumnsMax,
  blockRowsMax,
  blockTextUnitsMax,
  mergeOpenBytesMax,
  mergeRowsMax,
  mergeValuesMax,
} from '../../../src/core/limits.ts'
import type { ReadCost } from '../../../src/engine/block/types.ts'
import type { EncodableRow } from '../../../src/engine/row.ts'
import { openInputs } from '../../../src/engine/segment/merge_open.ts'
import { mergeBlocks } from '../../../src/engine/segment/merge.ts'
import type { MergeInput } from '../../../src/engine/segment/merge_types.ts'
import { hotInput, merged, openSealed, rowsOf, sortedRows } from '../../support/merges.ts'
import { accessRows, encodeRows, receivedMs, row } from '../../support/rows.ts'
import { seededRandom } from '../../support/seeded_random.ts'

/** Rows as a shard would have stored them, so many at a time. */
function stored(rows: readonly EncodableRow[], batchRows = 2000): MergeInput[] {
  const inputs: MergeInput[] = []
  let nextSeq = 1
  for (let first = 0; first < rows.length; first += batchRows) {
    for (const block of encodeRows(rows.slice(first, first + batchRows))) {
      inputs.push(hotInput(block, nextSeq))
      nextSeq += block.meta.rows
    }
  }
  return inputs
}

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const random = seededRandom(7)
/** Text that hardly compresses, of 8 characters a part. */
const noise = (parts: number) => Array.from({ length: parts }, () => random(0x1_0000_0000).toString(16).padStart(8, '0')).join('')

describe('the blocks of a merge', () => {
  it('are as full as the limit allows', () => {
    const { blocks } = merged(stored(Array.from({ length: blockRowsMax + 4000 }, (_, i) => row({ timestampMs: receivedMs + i }))))
    expect(blocks.map(({ meta }) => meta.rows)).toEqual([blockRowsMax, 4000])
  })

  it('stay within the bytes of a block when text does not compress, and aim well from then on', () => {
    const inputs = stored(
      Array.from({ length: 1500 }, (_, i) => row({ timestampMs: receivedMs + i, message: noise(600) })),
      200,
    )
    const { blocks } = merged(inputs)
    const sizes = blocks.map(({ meta }) => meta.bytes)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(blockBytesMax)
    expect(Math.min(...sizes.slice(0, -1))).toBeGreaterThan(blockBytesMax * 0.7)
    expect(rowsOf(blocks)).toEqual(sortedRows(inputs))
  })

  it('hold no more text than a block may', () => {
    // Compresses well, but each text is another.
    const inputs = stored(
      Array.from({ length: 100 }, (_, i) => row({ message: `${i} `.repeat(60_000) })),
      10,
    )
    const { blocks } = merged(inputs)
    for (const block of openSealed(blocks)) {
      const texts = block.materialise(Array.from({ length: block.meta.rows }, (_, each) => each))
      expect(texts.reduce((sum, { message }) => sum + message.length, 0)).toBeLessThanOrEqual(blockTextUnitsMax)
    }
    expect(rowsOf(blocks)).toEqual(sortedRows(inputs))
  })

  it('keep long texts that repeat in one piece', () => {
    const inputs = stored(
      Array.from({ length: 1000 }, (_, i) => row({ timestampMs: receivedMs + i, message: `${i % 3}`.repeat(10_000) })),
      100,
    )
    const { blocks } = merged(inputs)
    expect(blocks).toHaveLength(1)
    expect(blocks[0]?.rawBytes).toBeLessThan(100_000)
  })

  it('hold a column that copies another once', () => {
    const inputs = stored(
      Array.from({ length: 3000 }, (_, i) => {
        const id = noise(2)
        return row({ timestampMs: receivedMs + i, message: id, attributes: { id, other: noise(2) } })
      }),
    )
    const { blocks } = merged(inputs)
    expect(blocks[0]?.rawBytes).toBeLessThan(3000 * 16 * 2.5)
    expect(rowsOf(blocks)).toEqual(sortedRows(inputs))
  })

  it('have no more columns than a block may, whatever names the rows bring', () => {
    const inputs = stored(
      Array.from({ length: 4000 }, (_, i) => row({ timestampMs: receivedMs + i, attributes: { [`name${i}`]: i } })),
      500,
    )
    const { blocks } = merged(inputs)
    expect(blocks.length).toBeLessThanOrEqual(3)
    for (const block of openSealed(blocks)) expect(block.attributes.length + 8).toBeLessThanOrEqual(blockColumnsMax)
    expect(rowsOf(blocks)).toEqual(sortedRows(inputs))
  })

  it('have no more values than a merge may gather', () => {
    const names = Array.from({ length: 60 }, (_, i) => `field${i}`)
    const wide = row({ attributes: Object.fromEntries(names.map((name, i) => [name, i])) })
    const inputs = stored(
      Array.from({ length: 30_000 }, (_, i) => ({ ...wide, timestampMs: receivedMs + i })),
      10_000,
    )
    const { blocks } = merged(inputs)
    expect(blocks.map(({ meta }) => meta.rows * names.length <= mergeValuesMax)).toEqual([true, true])
  })

  it('do not cross a border', () => {
    const rows = Array.from({ length: 5000 }, (_, i) => row({ timestampMs: receivedMs + ((i * 7919) % 5000) }))
    const inputs = stored(rows)
    const borders = [receivedMs - 10, receivedMs + 100, receivedMs + 101, receivedMs + 4999, receivedMs + 9999]
    const { blocks } = merged(inputs, { borders })
    expect(blocks.map(({ meta }) => [meta.minMs - receivedMs, meta.maxMs - receivedMs])).toEqual([
      [0, 99],
      [100, 100],
      [101, 4998],
      [4999, 4999],
    ])
    expect(rowsOf(blocks)).toEqual(sortedRows(inputs))
  })
})

describe('a merge', () => {
  it('of nothing, or of rows that are all dropped, gives no block', () => {
    expect(merged([])).toEqual({ blocks: [], summary: { rowsIn: 0, rowsDropped: 0, rowsOut: 0 }, pauses: 0 })
    const [input] = stored([row()])
    const drop = () => ({ length: 1, words: new Uint32Array([1]) })
    expect(merged([{ ...input!, drop }]).summary).toEqual({ rowsIn: 1, rowsDropped: 1, rowsOut: 0 })
  })

  it('of too many rows is refused', () => {
    const [input] = stored([row()])
    const large = { ...input!, meta: { ...input!.meta, rows: mergeRowsMax } }
    expect(() => mergeBlocks([input!, large]).next()).toThrow(RangeError)
  })

  it('of a row with a greater number than its input was said to have is refused', () => {
    const [input] = stored([row(), row()])
    expect(() => merged([{ ...input!, lastSeq: 1 }])).toThrow(RangeError)
  })

  it('sorts rows of all inputs at random times, far apart, in the end', () => {
    const rows = Array.from({ length: 8000 }, () => row({ timestampMs: random(10_000_000) * 1_000_000, timestampNs: random(3) }))
    const inputs = stored(rows, 500)
    expect(rowsOf(merged(inputs).blocks)).toEqual(sortedRows(inputs))
  })

  it('gives columns of many shapes back: few texts, many, and more than a sample shows', () => {
    const rows = accessRows(12_000).map((each, i) => ({
      ...each,
      names: [...each.names, 'user', 'rare', 'late'],
      values: [...each.values, `user ${random(3000)}`, i % 97 === 0 ? `x${i}` : '', i < 5000 ? `id ${i}` : `id ${i % 5}`],
    }))
    const inputs = stored(rows)
    const { blocks } = merged(inputs)
    expect(rowsOf(blocks)).toEqual(sortedRows(inputs))
    const [block] = openSealed(blocks)
    const repeated = block!.attributes.filter((column) => {
      const data = column.data()
      return data.kind === 'dictionary' && new Set(data.values).size < data.values.length
    })
    expect(repeated.map(({ name }) => name)).toEqual([])
  })
})

describe('a merge of rows in any order', () => {
  const rows = Array.from({ length: 16_000 }, (_, i) =>
    row({ timestampMs: receivedMs + random(1_000_000), message: `${i} ${noise(2)}${' '.repeat(2000)}` }),
  )
  const inputs = stored(rows, 400)
  const bytesOfOne = merged(inputs.slice(0, 1)).blocks[0]!.rawBytes

  it('pauses after some bytes', () => {
    const costs: ReadCost[] = []
    const some = inputs.slice(0, 20)
    const watched = some.map((input) => ({
      ...input,
      open: (cost: ReadCost) => {
        costs.push(cost)
        return input.open(cost)
      },
    }))
    let before = 0
    for (const steps = mergeBlocks(watched); steps.next().done !== true;) {
      const bytes = costs.reduce((sum, { bytesDecompressed }) => sum + bytesDecompressed, 0)
      expect(bytes - before).toBeLessThan(4 * 1024 * 1024 + 2 * bytesOfOne)
      before = bytes
    }
    expect(before).toBeGreaterThan(2 * some.length * bytesOfOne)
  })

  it('takes less than 60 MB, though its rows take half of it, and more than that when they are all decoded', () => {
    const live = () => {
      // The first one may leave what it only just found.
      collectGarbage()
      collectGarbage()
      const { arrayBuffers, heapUsed } = process.memoryUsage()
      return arrayBuffers + heapUsed
    }
    expect(inputs.length * bytesOfOne).toBeGreaterThan(30_000_000)
    const before = live()
    let most = 0
    let step = 0
    for (const steps = mergeBlocks(inputs); steps.next().done !== true;) if (step++ % 16 === 0) most = Math.max(most, live())
    expect(most - before).toBeLessThan(60_000_000)
  })
})

describe('the inputs that a merge has open', () => {
  it('are closed, those first that were not used for longest, also when they grow while they are open', () => {
    const opened: number[] = []
    const costs: ReadCost[] = []
    const [input] = stored([row()])
    const { open, bytesRead } = openInputs(
      [0, 1, 2].map((n) => ({
        ...input!,
        open: (cost) => {
          opened.push(n)
          costs.push(cost)
          return input!.open(cost)
        },
      })),
    )
    for (const n of [0, 1, 2, 0]) open(n)
    expect(opened).toEqual([0, 1, 2])
    costs[2]!.bytesDecompressed = mergeOpenBytesMax
    costs[0]!.bytesDecompressed = 1
    open(1)
    expect(opened).toEqual([0, 1, 2])
    for (const n of [0, 2]) open(n)
    expect(opened).toEqual([0, 1, 2, 2])
    expect(bytesRead()).toBe(mergeOpenBytesMax + 1)
  })
})
