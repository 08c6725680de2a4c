import { Buffer } from 'node:buffer'
import { facetValueCharsMax } from '../../core/limits.ts'
import { severities } from '../../core/severity.ts'
import { formatTimestamp } from '../../core/time.ts'
import type { Bitmap } from '../bitmap.ts'
import { bitmapForEach, bitmapHas } from '../bitmap.ts'
import type { Block, Column, TextPage } from '../block/types.ts'
import type { AttributeValue } from '../row.ts'
import type { Field } from './ast.ts'
import { columnOf } from './select.ts'

/** Adds how often each value of the field occurs among the rows, as text; answers how many rows have the field. */
export function countValues(block: Block, field: Field, rows: Bitmap, counts: Map<string, number>): number {
  const column = columnOf(block, field)
  if (column === undefined) return 0
  const add = (value: AttributeValue, count: number) => {
    const text = facetText(field, value)
    if (text === undefined || count === 0) return 0
    counts.set(text, (counts.get(text) ?? 0) + count)
    return count
  }
  const data = column.data()
  let total = 0
  switch (data.kind) {
    case 'constant':
      return add(data.value, countIndexes(column, rows))
    case 'dictionary': {
      const { codes, values } = data
      const perCode = new Uint32Array(values.length)
      forEachIndex(column, rows, (index) => perCode[codes[index]!]!++)
      for (const [code, count] of perCode.entries()) total += add(values[code]!, count)
      return total
    }
    case 'text': {
      const textAt = textReader(data.pages)
      forEachIndex(column, rows, (index) => (total += add(textAt(index), 1)))
      return total
    }
    default: {
      const { values } = data
      forEachIndex(column, rows, (index) => (total += add(values[index]!, 1)))
      return total
    }
  }
}

/** Undefined where the field counts as absent: an empty message or source, a row never patched. */
export function facetText(field: Field, value: AttributeValue): string | undefined {
  if ('attribute' in field) return shortened(String(value))
  if (field.system === 'severity') return severities[Number(value)]
  if (field.system === 'message' || field.system === 'source') return value === '' ? undefined : shortened(String(value))
  return value === 0 ? undefined : formatTimestamp(Number(value), 0)
}

function shortened(text: string): string {
  return text.length > facetValueCharsMax ? text.slice(0, facetValueCharsMax).toWellFormed() : text
}

/** Visits the index, among the values of the column, of each of the rows that has one. */
function forEachIndex(column: Column, rows: Bitmap, visit: (index: number) => void): void {
  const presence = column.presence()
  if (presence === undefined) return bitmapForEach(rows, visit)
  let index = 0
  bitmapForEach(presence, (row) => {
    if (bitmapHas(rows, row)) visit(index)
    index++
  })
}

function countIndexes(column: Column, rows: Bitmap): number {
  let count = 0
  forEachIndex(column, rows, () => count++)
  return count
}

/** Reads values by ascending index. */
export function textReader(pages: readonly TextPage[]): (index: number) => string {
  let at = 0
  return (index) => {
    while (index >= pages[at]!.first + pages[at]!.count) at++
    const { bytes, offsets, first } = pages[at]!
    const start = offsets[index - first]!
    // Four bytes a character at most: the rest would be cut off anyway.
    const end = Math.min(offsets[index - first + 1]!, start + 4 * (facetValueCharsMax + 1))
    return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8')
  }
}
