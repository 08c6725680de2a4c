import type { Bitmap } from '../bitmap.ts'
import { bitmapForEach, bitmapHas, bitmapSet } from '../bitmap.ts'
import type { Column, ColumnData, ColumnFacts } from '../block/types.ts'
import type { AttributeValue } from '../row.ts'
import type { Matcher } from './matcher.ts'
import { matchesValue } from './matcher.ts'
import { scanTextPage } from './text_scan.ts'

/** Adds to `selected` the candidates whose value in the column matches. Reads nothing when head data rules that out. */
export function selectColumn(column: Column, matcher: Matcher, candidates: Bitmap, selected: Bitmap): void {
  if (!columnMayMatch(column, matcher)) return
  const rows = rowsOf(column, candidates)
  if (rows === null) return
  const data = column.data()
  if (data.kind !== 'text') return selectValues(data, column.count, matcher, rows, candidates, selected)
  for (const page of data.pages) scanTextPage(page, matcher, rows?.subarray(page.first, page.first + page.count), candidates, selected)
}

/** False when no value of the column can match, as far as its range and its token filter tell. */
export function columnMayMatch(column: ColumnFacts, matcher: Matcher): boolean {
  if (column.count === 0) return false
  if (column.range !== undefined) {
    const { numbers } = matcher
    if (numbers === null || column.range.max < numbers.min || column.range.min > numbers.max) return false
  } else if (!column.hasText && !matcher.scalars) return false
  return matcher.tokens.some((tokens) => tokens.every((token) => column.mayHaveToken(token)))
}

/** The row of each value; undefined when every row has one; null when no candidate has one. */
function rowsOf(column: Column, candidates: Bitmap): Uint32Array | undefined | null {
  const presence = column.presence()
  if (presence === undefined) return undefined
  const rows = new Uint32Array(column.count)
  let count = 0
  let isWanted = false
  bitmapForEach(presence, (row) => {
    rows[count++] = row
    isWanted ||= bitmapHas(candidates, row)
  })
  return isWanted ? rows : null
}

type ValueData = Exclude<ColumnData, { kind: 'text' }>

function selectValues(
  data: ValueData,
  count: number,
  matcher: Matcher,
  rows: Uint32Array | undefined,
  candidates: Bitmap,
  selected: Bitmap,
): void {
  const matches = valueTest(data, matcher)
  if (matches === undefined) return
  if (rows === undefined) return bitmapForEach(candidates, (row) => matches(row) && bitmapSet(selected, row))
  for (let i = 0; i < count; i++) if (bitmapHas(candidates, rows[i]!) && matches(i)) bitmapSet(selected, rows[i]!)
}

/** Whether the i-th value matches; undefined when none does. A distinct value of a dictionary is tested once. */
function valueTest(data: ValueData, matcher: Matcher): ((index: number) => boolean) | undefined {
  switch (data.kind) {
    case 'constant':
      return matchesValue(matcher, data.value) ? () => true : undefined
    case 'dictionary': {
      const { codes } = data
      const hits = testDistinct(data.values, matcher)
      return hits && ((index) => hits[codes[index]!] === 1)
    }
    case 'mixed': {
      const { values } = data
      return (index) => matchesValue(matcher, values[index]!)
    }
    case 'number':
      return numberTest(data.values, matcher)
  }
}

function testDistinct(values: readonly AttributeValue[], matcher: Matcher): Uint8Array | undefined {
  const hits = new Uint8Array(values.length)
  let any = false
  for (let i = 0; i < values.length; i++) {
    if (!matchesValue(matcher, values[i]!)) continue
    hits[i] = 1
    any = true
  }
  return any ? hits : undefined
}

function numberTest(values: Float64Array, matcher: Matcher): ((index: number) => boolean) | undefined {
  if (matcher.numbers === null) return undefined
  const { min, max, sure } = matcher.numbers
  if (sure) return (index) => values[index]! >= min && values[index]! <= max
  return (index) => values[index]! >= min && values[index]! <= max && matcher.scalar(values[index]!)
}
