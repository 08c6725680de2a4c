import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { describeSegment } from '../../../scripts/segment/describe.ts'
import { parseOptions, shardOf } from '../../../scripts/segment/options.ts'
import { CommandError } from '../../../scripts/dev/terminal.ts'
import { printSegment } from '../../../scripts/segment/print.ts'
import { firstRows } from '../../../scripts/segment/rows.ts'
import { writeParquet } from '../../../scripts/segment/to_parquet.ts'
import { encodeLogId } from '../../../src/core/ids.ts'
import { readSegment } from '../../../src/engine/segment/reader.ts'
import { readParquet } from '../../support/parquet.ts'
import { accessRows, row, storedRow } from '../../support/rows.ts'
import { segmentOf } from '../../support/segments.ts'

const folder = mkdtempSync(join(tmpdir(), 'edgelog-segment-'))
afterAll(() => rmSync(folder, { recursive: true }))

const rows = [...accessRows(250), row({ message: 'last', attributes: { path: 7, 'odd\nname': 1n << 70n } })]
const { bytes } = segmentOf(rows, 100)
const expected = rows.map((each, i) => storedRow(each, i + 1))

describe('npm run segment', () => {
  it('tells what the blocks and columns of a segment are', () => {
    const description = describeSegment(readSegment(bytes), bytes)
    expect(description).toMatchObject({ rows: 251, blocks: 3, bytes: bytes.length, seq: [1, 251], damaged: 0 })
    expect(description.sha256).toMatch(/^[0-9a-f]{64}$/)
    expect(description.list.map((block) => block.rows)).toEqual([100, 100, 51])
    const column = (name: string) => description.list[0]?.columns.find((each) => each.name === name && !each.system)
    expect(column('status')).toMatchObject({ type: 'number', values: 100, min: 200, max: 502 })
    expect(column('request_id')).toMatchObject({ type: 'string', encoding: 'plain' })
    expect(description.list[2]?.columns.find(({ name }) => name === 'path')?.type).toBe('number and string')
  })

  it('prints one line for each column, whatever its name', () => {
    const lines = printSegment('a.seg', describeSegment(readSegment(bytes), bytes)).split('\n')
    expect(lines[1]).toContain('251 rows in 3 blocks')
    expect(lines.filter((line) => line.includes('odd\\nname'))).toHaveLength(1)
    expect(lines.filter((line) => line.startsWith('    (timestamp)'))).toHaveLength(3)
  })

  it('gives the first rows', () => {
    const segment = readSegment(bytes)
    expect(firstRows(segment, 0)).toEqual([])
    expect(firstRows(segment, 150)).toEqual(expected.slice(0, 150))
    expect(firstRows(segment, 1000)).toEqual(expected)
  })

  it('names the column that is damaged and still shows the others', () => {
    const flipped = bytes.slice()
    const { bodyStart, bodyBytes } = readSegment(bytes).index.blocks[1]!
    for (let i = 0; i < bodyBytes; i++) flipped[bodyStart + i]! ^= 1
    const description = describeSegment(readSegment(flipped), flipped)
    expect(description.damaged).toBeGreaterThan(0)
    expect(description.list.map(({ columns }) => columns.some(({ damaged }) => damaged !== undefined))).toEqual([false, true, false])
    expect(printSegment('a.seg', description)).toContain('damaged: page')
  })

  it('writes Parquet that another reader reads, and no file when the segment is damaged', async () => {
    const path = join(folder, 'a.parquet')
    const progress: number[] = []
    const result = writeParquet(readSegment(bytes), path, 3, (written) => progress.push(written))
    expect(progress).toEqual([100, 200, 251])
    const read = await readParquet(readFileSync(path))
    expect(read.rows).toHaveLength(result.rows)
    expect(read.rows.map((each) => each.get('message'))).toEqual(expected.map(({ message }) => message))
    expect(read.rows.map((each) => each.get('id'))).toEqual(expected.map(({ seq }) => encodeLogId(3, seq)))
    // Text in one block and a number in another are text.
    expect([read.rows.at(0)?.get('path'), read.rows.at(-1)?.get('path')]).toEqual([expected[0]?.attributes['path'], '7'])
    const flipped = bytes.slice()
    flipped[readSegment(bytes).index.blocks[1]!.bodyStart]! ^= 1
    const broken = join(folder, 'broken.parquet')
    expect(() => writeParquet(readSegment(flipped), broken, 3, () => {})).toThrow('damaged')
    expect(existsSync(broken)).toBe(false)
  })

  it.each([
    ['12-1-50-3.seg', 12],
    ['0-1-39000-1-1577ca8d39034b70.seg', 0],
    ['org/x/weur/2026/11/22/7-1-50-3.seg', 7],
    ['C:\\logs\\7-1-50-3.seg', 7],
    ['99999-1-50-3.seg', undefined],
    ['1-50.seg', undefined],
    ['anything', undefined],
  ])('takes the shard from the name %s', (name, shard) => {
    expect(shardOf(name)).toBe(shard)
  })

  it('says what is wrong with its options', () => {
    expect(parseOptions(['--help'])).toBeUndefined()
    expect(parseOptions(['3-1-2-4.seg', '--rows', '5'])).toMatchObject({ rows: 5, shard: 3, json: false })
    for (const args of [[], ['a', 'b'], ['a', '--rows', '-1'], ['a', '--rows', 'x'], ['a', '--shard', '65536'], ['--what']]) {
      expect(() => parseOptions(args)).toThrow(CommandError)
    }
  })
})
