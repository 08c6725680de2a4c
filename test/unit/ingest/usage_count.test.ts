import { describe, expect, it } from 'vitest'
import { recordBytesMax, usageSourceCharsMax, usageSourcesPerBatchMax } from '../../../src/core/limits.ts'
import type { BatchUsage } from '../../../src/core/usage.ts'
import { decodeRecords } from '../../../src/ingest/decode.ts'
import { createUsageCount } from '../../../src/ingest/usage_count.ts'

function usageOf(body: string, type: 'json' | 'ndjson' = 'ndjson'): BatchUsage {
  const count = createUsageCount()
  decodeRecords(Buffer.from(body), type, 0, {
    row: (row, bytes) => count.stored(row.source, bytes),
    reject: (_index, _reason, code, bytes) => count.rejected(code, bytes),
  })
  return count.finish()
}

describe('the usage of a batch', () => {
  it('counts rows and the bytes of their text, without line ends and blank lines, by source', () => {
    const lines = ['{"source":"api","message":"ä"}', '', 'no JSON', '{"source":"api"}\r', '{"source":"web","message":"x"}']
    expect(usageOf(lines.join('\n'))).toEqual({
      received: { rows: 4, bytes: 31 + 7 + 16 + 30 },
      stored: { rows: 4, bytes: 31 + 7 + 16 + 30 },
      rejected: {},
      sources: [
        { source: 'api', rows: 2, bytes: 47 },
        { source: '', rows: 1, bytes: 7 },
        { source: 'web', rows: 1, bytes: 30 },
      ],
    })
  })

  it('counts the elements of an array, and one object, by their own text', () => {
    expect(usageOf('[ {"a":1} , {"a":22}]', 'json').stored).toEqual({ rows: 2, bytes: 7 + 8 })
    expect(usageOf('{"a":1}', 'json').stored).toEqual({ rows: 1, bytes: 7 })
  })

  it.each([
    ['not_an_object', '[1]', 'json'],
    ['empty', '{}', 'ndjson'],
    ['too_large', `"${'x'.repeat(recordBytesMax)}"`, 'ndjson'],
    ['nested_too_deep', `{"a":${'{"a":'.repeat(40)}1${'}'.repeat(40)}}`, 'ndjson'],
    ['too_many_attributes', JSON.stringify(Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`a${i}`, i]))), 'ndjson'],
    ['name_too_long', `{"${'n'.repeat(300)}":1}`, 'ndjson'],
    ['invalid_value', '{"timestamp":"yesterday"}', 'ndjson'],
    ['invalid_value', '{"severity":"loud"}', 'ndjson'],
  ] as const)('counts a record that is rejected as %s', (reason, body, type) => {
    const { received, stored, rejected } = usageOf(body, type)
    expect({ rows: received.rows, stored, rejected }).toEqual({ rows: 1, stored: { rows: 0, bytes: 0 }, rejected: { [reason]: 1 } })
    expect(received.bytes).toBe(type === 'json' ? 1 : Buffer.byteLength(body))
  })

  it('names the sources that stored most, with the beginning of their names', () => {
    const lines = Array.from({ length: usageSourcesPerBatchMax + 10 }, (_, i) => `{"source":"s${i}","message":"x"}`)
    const frequent = 'y'.repeat(usageSourceCharsMax + 10)
    const { sources, stored } = usageOf([...lines, `{"source":"${frequent}1"}`, `{"source":"${frequent}2"}`].join('\n'))
    expect(stored.rows).toBe(usageSourcesPerBatchMax + 12)
    expect(sources).toHaveLength(usageSourcesPerBatchMax)
    expect(sources[0]).toMatchObject({ source: 'y'.repeat(usageSourceCharsMax), rows: 2 })
  })
})
