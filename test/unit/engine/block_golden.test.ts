import { describe, expect, it } from 'vitest'
import { readHead } from '../../../src/engine/block/head.ts'
import { openBlock } from '../../../src/engine/block/reader.ts'
import type { BlockMeta } from '../../../src/engine/block/types.ts'
import { golden, goldenRows } from '../../support/golden.ts'
import { allRows, newCost } from '../../support/rows.ts'

describe.each(['block-v1', 'overlay-v1'])('the golden block %s', (name) => {
  const { meta: known, rows } = goldenRows(name)
  const meta = known as BlockMeta
  const head = golden(`${name}.head`)
  const open = () => openBlock(meta, head, () => golden(`${name}.body`), newCost())

  it('still reads back every row exactly', () => {
    expect(allRows(open())).toEqual(rows)
  })

  it('still has filters that know its words and rule out others', () => {
    const ids = open().attribute('request_id')
    for (const { attributes } of allRows(open())) expect(ids?.mayHaveToken(String(attributes.request_id))).toBe(true)
    const others = Array.from({ length: 100 }, (_, i) => `absent${i}`)
    expect(others.filter((token) => ids?.mayHaveToken(token)).length).toBeLessThan(5)
  })
})

it('the golden block of version 1 holds every layout, list, number coding and presence of the format', () => {
  const { columns, presences, pages } = readHead(golden('block-v1.head')).directory
  const lists = columns.flatMap(({ layout }) => ('list' in layout ? [layout.list] : []))
  expect(new Set(columns.map(({ layout }) => layout.kind))).toEqual(new Set(['constant', 'dictionary', 'plain', 'copy']))
  expect(new Set(lists.map(({ kind }) => kind))).toEqual(new Set(['numbers', 'text', 'mixed']))
  expect(new Set(lists.flatMap((list) => (list.kind === 'numbers' ? [list.coding.kind] : [])))).toEqual(
    new Set(['offset', 'delta', 'float64']),
  )
  expect(new Set(presences.map(({ kind }) => kind))).toEqual(new Set(['bitmap', 'gaps']))
  const sizes = columns.flatMap(({ layout }) => (layout.kind === 'dictionary' ? [layout.size] : []))
  expect([Math.min(...sizes), Math.max(...sizes) > 256]).toEqual([1, true])
  expect(pages.length).toBeGreaterThan(1)
})
