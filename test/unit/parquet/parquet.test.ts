import fc from 'fast-check'
import { parquetMetadata } from 'hyparquet'
import { ByteWriter } from 'hyparquet-writer'
import { describe, expect, it } from 'vitest'
import { encodeLogId } from '../../../src/core/ids.ts'
import { parquetCellsMax, parquetGroupRowsMax } from '../../../src/core/limits.ts'
import { severities } from '../../../src/core/severity.ts'
import { noteBlock, noteRows } from '../../../src/engine/parquet/attribute_types.ts'
import type { AttributeTypes } from '../../../src/engine/parquet/attribute_types.ts'
import { createParquetFile } from '../../../src/engine/parquet/writer.ts'
import type { AttributeValue, StoredRow } from '../../../src/engine/row.ts'
import { runs } from '../../support/effort.ts'
import { readParquet } from '../../support/parquet.ts'
import { accessRows, allRows, anyRows, encodeRows, openEncoded, row, storedRow } from '../../support/rows.ts'

function parquetOf(rows: readonly StoredRow[], shard?: number): Uint8Array {
  const types: AttributeTypes = new Map()
  noteRows(types, rows)
  const writer = new ByteWriter()
  const file = createParquetFile(types, writer)
  file.add(rows.map((each) => ({ row: each, shard })))
  file.finish()
  return writer.getBytes()
}

const stored = (...attributes: Record<string, AttributeValue>[]) => attributes.map((each, i) => storedRow(row({ attributes: each }), i + 1))

const groupsOf = (rows: readonly StoredRow[]) => parquetMetadata(parquetOf(rows).slice().buffer).row_groups

describe('a Parquet file', () => {
  it('gives every row back, whatever it holds', async () => {
    await fc.assert(
      fc.asyncProperty(anyRows, async (given) => {
        const rows = given.map((each, i) => storedRow(each, i + 1))
        const types: AttributeTypes = new Map()
        noteRows(types, rows)
        const read = await readParquet(parquetOf(rows, 7))
        expect(read.rows).toHaveLength(rows.length)
        for (const [i, each] of rows.entries()) expect(read.rows[i]).toEqual(expectedOf(each, [...read.columns.keys()], types))
      }),
      { numRuns: runs(60) },
    )
  })

  it('keeps numbers, booleans and text in columns of their types, absent values as null, and mixtures as text', async () => {
    const rows = stored({ n: 1.5, b: true, t: 'x', m: 1, big: 2n ** 70n }, { n: -2, m: 'two', big: 3 }, { b: false, m: true })
    const { columns, rows: read } = await readParquet(parquetOf(rows))
    const column = (name: string) => read.map((each) => each.get(name))
    expect([column('n'), column('b'), column('t')]).toEqual([
      [1.5, -2, null],
      [true, null, false],
      ['x', null, null],
    ])
    expect([column('m'), column('big')]).toEqual([
      ['1', 'two', 'true'],
      [`${2n ** 70n}`, '3', null],
    ])
    expect(['n', 'b', 't', 'm'].map((name) => columns.get(name)?.type)).toEqual(['DOUBLE', 'BOOLEAN', 'BYTE_ARRAY', 'BYTE_ARRAY'])
  })

  it('has exact event times, to the nanosecond and to the end of time', async () => {
    const times = [
      { timestampMs: 0, timestampNs: 1 },
      { timestampMs: 1_795_334_657_123, timestampNs: 456_789 },
      { timestampMs: 9_999_999_999_999, timestampNs: 999_999 },
    ]
    const { columns, rows } = await readParquet(parquetOf(times.map((time, i) => storedRow(row(time), i + 1))))
    const read = rows.map((each) => (each.get('timestamp') as bigint) * 1000n + BigInt(each.get('timestamp_nanos') as number))
    expect(read).toEqual([1n, 1_795_334_657_123_456_789n, 9_999_999_999_999_999_999n])
    expect(columns.get('timestamp')?.logical_type).toEqual({ type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' })
  })

  it('keeps attributes apart that are named like other columns', async () => {
    const rows = stored({ message: 'mine', 'attributes.message': 'theirs', severity: 7 })
    const [read] = (await readParquet(parquetOf(rows))).rows
    expect(read?.get('message')).toBe('request completed')
    expect([read?.get('attributes.message'), read?.get('attributes.attributes.message'), read?.get('attributes.severity')]).toEqual([
      'mine',
      'theirs',
      7,
    ])
  })

  it('is cut into row groups that a reader can hold, fewer rows the more columns there are', () => {
    const rows = Array.from({ length: parquetGroupRowsMax + 10 }, (_, i) => storedRow(row(), i + 1))
    expect(groupsOf(rows).map(({ num_rows }) => Number(num_rows))).toEqual([parquetGroupRowsMax, 10])
    const wide = Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`a${i}`, i]))
    const many = groupsOf(stored(...Array.from({ length: 530 }, () => wide)))
    expect(many.length).toBe(2)
    expect(Math.max(...many.map(({ num_rows, columns }) => Number(num_rows) * columns.length))).toBeLessThanOrEqual(parquetCellsMax)
  })

  it('is far smaller than the same rows as JSON', () => {
    const rows = accessRows(20_000).map((each, i) => storedRow(each, i + 1))
    const json = rows.reduce((sum, { attributes, message }) => sum + JSON.stringify({ ...attributes, message }).length, 0)
    expect(parquetOf(rows).length).toBeLessThan(json / 4)
  })
})

describe('the types of a block’s attributes', () => {
  it('are those of its rows', () => {
    fc.assert(
      fc.property(anyRows, (given) => {
        for (const encoded of encodeRows(given)) {
          const block = openEncoded(encoded)
          const [byRows, byBlock]: [AttributeTypes, AttributeTypes] = [new Map(), new Map()]
          noteRows(byRows, allRows(block))
          noteBlock(byBlock, block)
          expect(Object.fromEntries(byBlock)).toEqual(Object.fromEntries(byRows))
        }
      }),
      { numRuns: runs(100) },
    )
  })
})

function expectedOf(each: StoredRow, columns: string[], types: AttributeTypes): Map<string, unknown> {
  const own: [string, unknown][] = [
    ['timestamp', BigInt(each.timestampMs) * 1000n + BigInt(Math.floor(each.timestampNs / 1000))],
    ['timestamp_nanos', each.timestampNs % 1000],
    ['severity', severities[each.severity]],
    ['source', each.source],
    ['message', each.message],
    ['created_at', BigInt(each.createdMs)],
    ['updated_at', each.updatedMs === 0 ? null : BigInt(each.updatedMs)],
    ['id', encodeLogId(7, each.seq)],
    ['seq', BigInt(each.seq)],
  ]
  const attributes = [...types].map(([name, type], i): [string, unknown] => {
    const value = Object.hasOwn(each.attributes, name) ? each.attributes[name] : null
    return [columns[own.length + i] ?? '', value === null || type !== 'text' ? value : String(value)]
  })
  return new Map([...own, ...attributes])
}
