import type { Bitmap } from '../bitmap.ts'
import { bitmapAnd, bitmapEmpty, bitmapOr } from '../bitmap.ts'
import type { Block } from '../block/types.ts'
import type { Field } from './ast.ts'
import { selectColumn } from './column_select.ts'
import type { Matcher } from './matcher.ts'

const nothing = { tokens: [[]], scalars: false, numbers: null, text: () => false, scalar: () => false } satisfies Matcher
const notEmpty: Matcher = { ...nothing, text: (value) => value !== '' }
const notZero: Matcher = { ...nothing, scalars: true, numbers: { min: 1, max: Infinity, sure: true }, scalar: (value) => Number(value) > 0 }

/** `field:*`: the attribute is there; message and source are not empty; a time is set. Every row has a severity. */
export function selectExisting(field: Field, block: Block, candidates: Bitmap): Bitmap {
  const selected = bitmapEmpty(candidates.length)
  if ('attribute' in field) {
    const column = block.attribute(field.attribute)
    if (column === undefined) return selected
    bitmapOr(selected, candidates)
    const presence = column.presence()
    if (presence !== undefined) bitmapAnd(selected, presence)
  } else if (field.system === 'updated') selectColumn(block.system('updated'), notZero, candidates, selected)
  else if (field.system === 'message' || field.system === 'source') selectColumn(block.system(field.system), notEmpty, candidates, selected)
  else bitmapOr(selected, candidates)
  return selected
}
