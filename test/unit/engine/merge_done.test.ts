import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bitmapFull } from '../../../src/engine/bitmap.ts'
import { mergeBlocks } from '../../../src/engine/segment/merge.ts'
import type { MergeInput } from '../../../src/engine/segment/merge_types.ts'
import { runs } from '../../support/effort.ts'
import { carriedInput } from '../../support/merges.ts'
import { accessRows, encodeRows } from '../../support/rows.ts'

const inputRows = 20

/** An input of `inputRows` rows from `startMs` on, which writes down when it is opened and when it is done. */
function notedInput(name: string, firstSeq: number, startMs: number, notes: string[]): MergeInput {
  const rows = accessRows(inputRows).map((given, i) => ({ ...given, timestampMs: startMs + i }))
  const { open, ...input } = carriedInput(encodeRows(rows, (i) => ({ seq: firstSeq + i }))[0]!, firstSeq + inputRows - 1)
  return {
    ...input,
    open(cost) {
      notes.push(`${name} opened`)
      return open(cost)
    },
    done: () => notes.push(`${name} done`),
  }
}

function run(inputs: readonly MergeInput[], borders: readonly number[], notes: string[]): string[] {
  for (const block of mergeBlocks(inputs, { borders })) if (block !== undefined) notes.push('block')
  return notes
}

describe('an input of a merge', () => {
  it('is done as soon as its last row is in a block', () => {
    const notes: string[] = []
    const inputs = ['a', 'b'].map((name, i) => notedInput(name, 1 + i * inputRows, i * 1000, notes))
    expect(run(inputs, [1000, 1010], notes)).toEqual(['a opened', 'b opened', 'a done', 'block', 'block', 'b done', 'block'])
  })

  it('is done right away when all its rows are left out', () => {
    const notes: string[] = []
    const [a, b] = ['a', 'b'].map((name, i) => notedInput(name, 1 + i * inputRows, i * 1000, notes))
    run([{ ...a!, drop: ({ meta }) => bitmapFull(meta.rows) }, b!], [], notes)
    expect(notes).toEqual(['a opened', 'a done', 'b opened', 'b done', 'block'])
  })

  it('is done once, and never opened after that, however the inputs lie', () => {
    const starts = fc.array(fc.nat({ max: 60 }), { minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(starts, fc.array(fc.nat({ max: 80 }), { maxLength: 4 }), (times, borders) => {
        const notes: string[] = []
        const inputs = times.map((startMs, i) => notedInput(`${i}`, 1 + i * inputRows, startMs, notes))
        run(
          inputs,
          borders.sort((a, b) => a - b),
          notes,
        )
        for (const i of times.keys()) {
          const own = notes.filter((note) => note.startsWith(`${i} `))
          expect([own.indexOf(`${i} done`), own.length]).toEqual([own.length - 1, own.lastIndexOf(`${i} opened`) + 2])
        }
      }),
      { numRuns: runs(60) },
    )
  })
})
