import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { stampFirstSeq } from '../../../src/engine/block/head.ts'
import { openBlock } from '../../../src/engine/block/reader.ts'
import { createBlockBuilder } from '../../../src/engine/block/writer.ts'
import { bitmapCount, bitmapHas } from '../../../src/engine/bitmap.ts'
import { tokenize } from '../../../src/engine/encode/tokens.ts'
import { accessRows, allRows, anyRows, encodeRows, newCost, openEncoded, receivedMs, row, storedRow } from '../../support/rows.ts'

function blockOf(rows: Parameters<typeof encodeRows>[0], extra?: Parameters<typeof encodeRows>[1]) {
  const blocks = encodeRows(rows, extra)
  expect(blocks).toHaveLength(1)
  return openEncoded(blocks[0]!)
}

describe('a block', () => {
  it('gives back every row as it was added', () => {
    fc.assert(
      fc.property(anyRows, (rows) => {
        const stored = encodeRows(rows).flatMap((block) => allRows(openEncoded(block)))
        expect(stored).toEqual(rows.map((given, i) => storedRow(given, i)))
      }),
    )
  })

  it('denies no token that a column holds', () => {
    fc.assert(
      fc.property(anyRows, (rows) => {
        const block = blockOf(rows)
        for (const stored of allRows(block)) {
          for (const token of tokenize(stored.message)) expect(block.system('message').mayHaveToken(token)).toBe(true)
          for (const [name, value] of Object.entries(stored.attributes)) {
            for (const token of tokenize(String(value))) expect(block.attribute(name)?.mayHaveToken(token)).toBe(true)
          }
        }
      }),
    )
  })

  it('tells range, text and presence of each column as its rows are', () => {
    fc.assert(
      fc.property(anyRows, (rows) => {
        const block = blockOf(rows)
        const stored = allRows(block)
        for (const column of block.attributes) {
          const values = stored.flatMap(({ attributes }) => (Object.hasOwn(attributes, column.name) ? [attributes[column.name]] : []))
          const numbers = values.filter((value) => typeof value === 'number')
          expect(column.count).toBe(values.length)
          expect(column.hasText).toBe(values.some((value) => typeof value === 'string'))
          expect(column.range).toEqual(
            numbers.length === values.length ? { min: Math.min(...numbers), max: Math.max(...numbers) } : undefined,
          )
          const presence = column.presence()
          expect(presence === undefined ? stored.length : bitmapCount(presence)).toBe(values.length)
          for (const [i, { attributes }] of stored.entries())
            expect(presence === undefined || bitmapHas(presence, i)).toBe(Object.hasOwn(attributes, column.name))
        }
      }),
    )
  })

  it('keeps counts and times of its rows as metadata', () => {
    const { meta } = blockOf([
      row({ timestampMs: 5000, severity: 4 }),
      row({ timestampMs: 3000, severity: 2 }),
      row({ timestampMs: 4000, severity: 4 }),
    ])
    expect(meta).toMatchObject({ firstSeq: 0, rows: 3, minMs: 3000, maxMs: 5000, severityCounts: [0, 0, 1, 0, 2, 0] })
  })

  it('materialises only the rows asked for, in the order asked for', () => {
    const rows = accessRows(500)
    const asked = [499, 0, 17, 17]
    expect(blockOf(rows).materialise(asked)).toEqual(asked.map((index) => storedRow(rows[index]!, index)))
  })

  it('refuses to materialise rows that it does not have', () => {
    const block = blockOf([row()])
    for (const wrong of [-1, 1, 0.5, NaN]) expect(() => block.materialise([wrong])).toThrow(RangeError)
  })

  it('keeps attributes named as members of Object apart from those', () => {
    const attributes = JSON.parse('{"__proto__": "p", "constructor": 1, "toString": true}') as Record<string, string | number | boolean>
    const stored = allRows(blockOf([row({ attributes }), row()]))
    expect(Object.entries(stored[0]!.attributes)).toEqual([
      ['__proto__', 'p'],
      ['constructor', 1],
      ['toString', true],
    ])
    expect(Object.keys(stored[1]!.attributes)).toEqual([])
  })

  it('keeps attributes named as system columns apart from those', () => {
    const stored = allRows(blockOf([row({ message: 'real', attributes: { message: 'other', seq: 7, timestamp: 'x' } })]))
    expect(stored[0]).toMatchObject({ seq: 0, message: 'real', attributes: { message: 'other', seq: 7, timestamp: 'x' } })
  })

  it('keeps the last value of a name that a row repeats, and no other', () => {
    const given = { ...row(), names: ['a', 'b', 'a'], values: ['first', 1, 'last'] }
    const block = blockOf([given, { ...given, values: [1, 'x', 2] }])
    expect(allRows(block).map(({ attributes }) => ({ ...attributes }))).toEqual([
      { a: 'last', b: 1 },
      { a: 2, b: 'x' },
    ])
    expect(block.attribute('a')?.mayHaveToken('first')).toBe(false)
  })

  it('stores a text with a lone surrogate as U+FFFD, and -0 as 0', () => {
    const stored = allRows(blockOf([row({ message: 'a\ud800b', attributes: { 'n\udfff': '\udfff', zero: -0 } })]))
    expect(stored[0]).toMatchObject({ message: 'a\ufffdb', attributes: { 'n\ufffd': '\ufffd', zero: 0 } })
    expect(Object.is(stored[0]!.attributes.zero, 0)).toBe(true)
  })

  it('keeps NUL, a leading byte order mark and a message of 200 KB', () => {
    const long = Array.from({ length: 20_000 }, (_, i) => `line ${i}\n`).join('')
    for (const message of ['\0a\0', '\ufeffa', long, 'ü'.repeat(100_000)]) {
      expect(allRows(blockOf([row({ message }), row(), row({ message: `${message}!` })])).map((stored) => stored.message)).toEqual([
        message,
        'request completed',
        `${message}!`,
      ])
    }
  })

  it('keeps integers beyond 2^53 exact, beside numbers of the same column', () => {
    const values = [9_007_199_254_740_993n, 1, 9_007_199_254_740_993n, -(10n ** 300n), 2.5]
    const stored = allRows(blockOf(values.map((id) => row({ attributes: { id } }))))
    expect(stored.map(({ attributes }) => attributes.id)).toEqual(values)
  })

  it('stores a column once when another has the same values in the same rows', () => {
    const ids = Array.from({ length: 600 }, (_, i) => (i * 2_654_435_761).toString(36))
    const one = encodeRows(ids.map((id) => row({ attributes: { id } })))[0]!
    const two = encodeRows(ids.map((id) => row({ attributes: { id, same: id } })))[0]!
    expect(two.meta.bytes - one.meta.bytes).toBeLessThan(30)
    const block = openEncoded(two)
    expect(allRows(block).map(({ attributes }) => ({ ...attributes }))).toEqual(ids.map((id) => ({ id, same: id })))
    expect(block.attribute('same')?.name).toBe('same')
    expect(block.attribute('same')?.mayHaveToken('nowhere')).toBe(block.attribute('id')?.mayHaveToken('nowhere'))
  })
})

describe('sequence numbers', () => {
  it('follow the one that is stamped into the head', () => {
    const { meta, head, body } = encodeRows(accessRows(3))[0]!
    const block = openBlock({ ...meta, firstSeq: 2 ** 47 }, stampFirstSeq(head, 2 ** 47), () => body, newCost())
    expect(allRows(block).map(({ seq }) => seq)).toEqual([2 ** 47, 2 ** 47 + 1, 2 ** 47 + 2])
    expect(block.system('seq').data()).toMatchObject({ kind: 'number', values: new Float64Array([2 ** 47, 2 ** 47 + 1, 2 ** 47 + 2]) })
  })

  it('stay those of the rows when they were given', () => {
    const seqs = [70, 12, 2 ** 48 - 1]
    const encoded = encodeRows(accessRows(3), (i) => ({ seq: seqs[i]! }))[0]!
    expect(encoded.meta.firstSeq).toBe(12)
    const block = openEncoded(encoded)
    expect(allRows(block).map(({ seq }) => seq)).toEqual(seqs)
    expect([block.seq(0), block.seq(1)]).toEqual([70, 12])
    expect(() => stampFirstSeq(encoded.head, 1)).toThrow(RangeError)
  })

  it('that were given and follow each other need no column', () => {
    const encoded = encodeRows(accessRows(3), (i) => ({ seq: 500 + i }))[0]!
    expect(encoded.meta.firstSeq).toBe(500)
    expect(allRows(openEncoded(encoded)).map(({ seq }) => seq)).toEqual([500, 501, 502])
    expect(stampFirstSeq(encoded.head, 500)).toEqual(encoded.head)
  })

  it('are given for all rows or for none', () => {
    const builder = createBlockBuilder(receivedMs)
    builder.add(row())
    expect(() => builder.add(row(), { seq: 3 })).toThrow(RangeError)
  })
})

describe('reading', () => {
  const rows = accessRows(3000)

  it('takes nothing from the body for what the head answers', () => {
    const { meta, head } = encodeRows(rows)[0]!
    const block = openBlock(meta, head, () => expect.fail('the body was read'), newCost())
    expect(block.attribute('path')?.mayHaveToken('nowhere')).toBe(false)
    expect(block.attribute('status')?.range).toEqual({ min: 200, max: 502 })
    expect(block.attribute('absent')).toBeUndefined()
    expect(block.seq(5)).toBe(5)
  })

  it('of one column decompresses that column only, and once', () => {
    const cost = newCost()
    const block = openEncoded(encodeRows(rows)[0]!, cost)
    const ids = block.attribute('request_id')!
    ids.data()
    expect(cost.bytesDecompressed).toBe(ids.rawBytes)
    expect(ids.rawBytes).toBeLessThan(3000 * 36)
    const { pagesRead } = cost
    ids.data()
    expect(cost.pagesRead).toBe(pagesRead)
    expect(cost.bytesRead).toBeGreaterThan(3000 * 16)
  })

  it('adds what it costs over blocks that share the counter', () => {
    const cost = newCost()
    const encoded = encodeRows(rows)[0]!
    allRows(openEncoded(encoded, cost))
    const { bytesRead } = cost
    expect(bytesRead).toBe(encoded.body.length)
    allRows(openEncoded(encoded, cost))
    expect(cost.bytesRead).toBe(2 * bytesRead)
  })
})

describe('a builder', () => {
  it('refuses what it cannot keep exactly', () => {
    const builder = createBlockBuilder(receivedMs)
    const wrong = [
      { timestampMs: -1 },
      { timestampMs: 1e13 },
      { timestampMs: 0.5 },
      { timestampNs: 1_000_000 },
      { severity: 6 },
      { attributes: { n: NaN } },
      { attributes: { n: Infinity } },
    ]
    for (const fields of wrong) expect(() => builder.add(row(fields))).toThrow(RangeError)
    expect(() => builder.add(row(), { updatedMs: 1.5 })).toThrow(RangeError)
    expect(() => builder.add({ ...row(), names: ['a'] })).toThrow(RangeError)
  })

  it('is empty after finish and can be used again', () => {
    const builder = createBlockBuilder(receivedMs)
    builder.add(row({ message: 'one' }))
    expect(builder.finish()).toHaveLength(1)
    expect(builder.finish()).toEqual([])
    builder.add(row({ message: 'two' }), { createdMs: 5, updatedMs: 6 })
    const stored = builder.finish().flatMap((encoded) => allRows(openEncoded(encoded)))
    expect(stored).toMatchObject([{ message: 'two', createdMs: 5, updatedMs: 6 }])
  })

  it('lets the caller reuse one row object with its arrays', () => {
    const builder = createBlockBuilder(receivedMs)
    const reused = row({ attributes: { n: 0 } })
    for (let i = 0; i < 3; i++) {
      reused.values[0] = i
      builder.add(reused)
    }
    expect(builder.finish().flatMap((encoded) => allRows(openEncoded(encoded)).map(({ attributes }) => attributes.n))).toEqual([0, 1, 2])
  })
})
