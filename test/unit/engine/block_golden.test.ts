import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { readHead } from '../../../src/engine/block/head.ts'
import { openBlock } from '../../../src/engine/block/reader.ts'
import type { BlockMeta } from '../../../src/engine/block/types.ts'
import type { AttributeValue } from '../../../src/engine/row.ts'
import { allRows, newCost } from '../../support/rows.ts'

type JsonValue = Exclude<AttributeValue, bigint> | { bigint: string }

function golden(file: string): Buffer {
  return readFileSync(fileURLToPath(new URL(`../../corpus/golden/${file}`, import.meta.url).href))
}

/** What the writer of that version was given: metadata in the first line, then a row in each. */
function expected(name: string): { meta: BlockMeta; rows: unknown[] } {
  const [first = '', ...lines] = golden(`${name}.rows.json`).toString().trimEnd().split('\n')
  const rows = lines.map((line) => {
    const row = JSON.parse(line) as { attributes: [string, JsonValue][] }
    const attributes = Object.create(null) as Record<string, AttributeValue>
    for (const [key, value] of row.attributes) attributes[key] = typeof value === 'object' ? BigInt(value.bigint) : value
    return { ...row, attributes }
  })
  return { meta: (JSON.parse(first) as { meta: BlockMeta }).meta, rows }
}

describe.each(['block-v1', 'overlay-v1'])('the golden block %s', (name) => {
  const { meta, rows } = expected(name)
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
