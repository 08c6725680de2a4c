import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Bitmap } from '../../../src/engine/bitmap.ts'
import {
  bitmapAnd,
  bitmapAndNot,
  bitmapCount,
  bitmapEmpty,
  bitmapForEach,
  bitmapFull,
  bitmapHas,
  bitmapIsEmpty,
  bitmapOr,
  bitmapSet,
} from '../../../src/engine/bitmap.ts'

function bitmapOf(length: number, rows: Iterable<number>): Bitmap {
  const bitmap = bitmapEmpty(length)
  for (const row of rows) bitmapSet(bitmap, row)
  return bitmap
}

function rowsOf(bitmap: Bitmap): number[] {
  const rows: number[] = []
  bitmapForEach(bitmap, (row) => rows.push(row))
  return rows
}

/** A length and two sets of rows below it. */
const anyTwo = fc.integer({ min: 1, max: 200 }).chain((length) => {
  const rows = fc.uniqueArray(fc.nat({ max: length - 1 })).map((each) => each.toSorted((a, b) => a - b))
  return fc.tuple(fc.constant(length), rows, rows)
})

describe('a bitmap', () => {
  it('holds the rows that were set, in ascending order', () => {
    fc.assert(
      fc.property(anyTwo, ([length, rows]) => {
        const bitmap = bitmapOf(length, rows)
        expect(rowsOf(bitmap)).toEqual(rows)
        expect(bitmapCount(bitmap)).toBe(rows.length)
        expect(bitmapIsEmpty(bitmap)).toBe(rows.length === 0)
        for (let row = 0; row < length; row++) expect(bitmapHas(bitmap, row)).toBe(rows.includes(row))
      }),
    )
  })

  it('combines as sets do', () => {
    fc.assert(
      fc.property(anyTwo, ([length, one, other]) => {
        const combined = (combine: (target: Bitmap, by: Bitmap) => void) => {
          const target = bitmapOf(length, one)
          combine(target, bitmapOf(length, other))
          return rowsOf(target)
        }
        expect(combined(bitmapAnd)).toEqual(one.filter((row) => other.includes(row)))
        expect(combined(bitmapOr)).toEqual([...new Set([...one, ...other])].toSorted((a, b) => a - b))
        expect(combined(bitmapAndNot)).toEqual(one.filter((row) => !other.includes(row)))
      }),
    )
  })

  it.each([0, 1, 31, 32, 33, 64, 65_536])('that is full of %i rows holds those and none beyond', (length) => {
    const bitmap = bitmapFull(length)
    expect(bitmapCount(bitmap)).toBe(length)
    expect(rowsOf(bitmap)).toEqual(Array.from({ length }, (_, row) => row))
  })
})
