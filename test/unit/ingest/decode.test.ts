import { describe, expect, it } from 'vitest'
import { ingestRecordsMax, recordBytesMax } from '../../../src/core/limits.ts'
import { ProblemError } from '../../../src/core/problems.ts'
import { decodeRecords } from '../../../src/ingest/decode.ts'
import { collect } from './collect.ts'

const messages = (body: string | Uint8Array, type: 'json' | 'ndjson' = 'ndjson') => collect(body, type).rows.map(({ message }) => message)

/** Code and detail of the problem that the whole body is. */
function refusal(body: string | Uint8Array, type: 'json' | 'ndjson'): string {
  try {
    collect(body, type)
  } catch (error) {
    if (error instanceof ProblemError) return error.message
    throw error
  }
  throw new Error('the body was accepted')
}

describe('NDJSON', () => {
  it('takes lines with LF or CRLF, with or without a last line break, and skips blank ones', () => {
    expect(messages('{"message":"a"}\n{"message":"b"}\r\n\n  \r\n\t{"message":"c"} \r\n{"message":"d"}')).toEqual(['a', 'b', 'c', 'd'])
    expect(messages('\ufeff{"message":"a"}\n')).toEqual(['a'])
  })

  it('keeps a line that is no JSON object as a message, as it stands', () => {
    const lines = ['plain text', '  indented', '{"truncated":', "{'python': 1}", '[1,2]', '42', '"quoted"', '{"a":1} trailing', 'null']
    expect(messages(lines.join('\n'))).toEqual(lines)
  })

  it('keeps UTF-8 and replaces bytes that are none', () => {
    expect(messages('{"message":"Grüße 世界 😀"}\nGrüße')).toEqual(['Grüße 世界 😀', 'Grüße'])
    const broken = Buffer.concat([
      Buffer.from('{"message":"a'),
      Buffer.from([0xff, 0xc3]),
      Buffer.from('"}\n'),
      Buffer.from([0xe4, 0xb8]),
      Buffer.from('\nok'),
    ])
    expect(messages(broken)).toEqual(['a\ufffd\ufffd', '\ufffd', 'ok'])
  })

  it('rejects only the records that cannot be kept, by their position among the records', () => {
    const { rows, errors } = collect('{"message":"a"}\n\n{"severity":"loud"}\n{}\ntext\n', 'ndjson')
    expect(rows.map(({ message }) => message)).toEqual(['a', 'text'])
    expect(errors.map(([index]) => index)).toEqual([1, 2])
  })

  it('rejects a line beyond the limit of a record without reading it, wherever it stands', () => {
    const longest = `{"message":"${'x'.repeat(recordBytesMax - 14)}"}`
    expect(Buffer.byteLength(longest)).toBe(recordBytesMax)
    for (const body of [`a\n${longest}\n${longest}x\nb`, `a\n${longest}\n${longest}x${'y'.repeat(3 * recordBytesMax)}\nb\n`]) {
      const { rows, errors } = collect(body, 'ndjson')
      expect(rows.map(({ message }) => message.length)).toEqual([1, recordBytesMax - 14, 1])
      expect(errors).toEqual([[2, `has more than ${recordBytesMax} bytes`]])
    }
    expect(collect('y'.repeat(recordBytesMax + 1), 'ndjson').errors).toEqual([[0, `has more than ${recordBytesMax} bytes`]])
    expect(collect('y'.repeat(recordBytesMax), 'ndjson').rows).toHaveLength(1)
  })

  it('cuts lines rightly whatever their length', () => {
    const lines = Array.from({ length: 5000 }, (_, i) => `${i}:${'ä'.repeat((i * 7919) % 400)}`)
    expect(messages(lines.join('\n'))).toEqual(lines)
  })

  it('with nothing in it is refused', () => {
    for (const body of ['', '\n\n', ' \r\n\t\n', '\ufeff'])
      expect(refusal(body, 'ndjson')).toMatch(/malformed_json: The body holds no record/)
  })

  it('with too many records is refused', () => {
    expect(refusal('1\n'.repeat(ingestRecordsMax + 1), 'ndjson')).toMatch(/^payload_too_large/)
    let rows = 0
    decodeRecords(Buffer.from('1\n'.repeat(ingestRecordsMax)), 'ndjson', 0, { row: () => void rows++, reject: () => undefined })
    expect(rows).toBe(ingestRecordsMax)
  })
})

describe('JSON', () => {
  it('is one object', () => {
    const { shape, rows } = collect(' \r\n{"message":"a{}[]\\"","b":[1]}\n ', 'json')
    expect([shape, rows]).toMatchObject(['object', [{ message: 'a{}[]"', attributes: { b: '[1]' } }]])
  })

  it('is an array of objects or texts', () => {
    const { shape, rows } = collect('\ufeff [ {"message":"]},{\\\\"} ,"te\\"xt" , {"message":"ü","a":[[{}]]}]\n', 'json')
    expect(shape).toBe('array')
    expect(rows.map(({ message }) => message)).toEqual([']},{\\', 'te"xt', 'ü'])
  })

  it('rejects elements that are neither', () => {
    const { rows, errors } = collect('[1,null,true,[],{"message":"a"},-1.5e3 ]', 'json')
    expect(rows).toHaveLength(1)
    expect(errors).toEqual([0, 1, 2, 3, 5].map((index) => [index, 'is no JSON object']))
  })

  it('rejects elements beyond the limit of a record', () => {
    const { rows, errors } = collect(`[{"message":"a"},{"message":"${'x'.repeat(recordBytesMax)}"}]`, 'json')
    expect([rows.length, errors]).toEqual([1, [[1, `has more than ${recordBytesMax} bytes`]]])
    expect(collect(`{"message":"${'x'.repeat(recordBytesMax)}"}`, 'json').errors).toEqual([[0, `has more than ${recordBytesMax} bytes`]])
  })

  it.each([
    ['', 'empty'],
    [' \n', 'empty'],
    ['"text"', 'expected'],
    ['42', 'expected'],
    ['null', 'expected'],
    ['nonsense', 'expected'],
    ['[]', 'no record'],
    ['[ ]', 'no record'],
    ['{"a":1', 'not valid JSON'],
    ['{"a":1}}', 'not valid JSON'],
    ['{"a":1}\n{"a":2}', 'not valid JSON'],
    ['{"a":1,}', 'not valid JSON'],
    ["{'a':1}", 'not valid JSON'],
    ['{"a":NaN}', 'not valid JSON'],
    ['[', 'ends before'],
    ['[{"a":1}', 'ends before'],
    ['[{"a":1},', 'ends before'],
    ['[{"a":"', 'ends before'],
    ['[{"a":"\\', 'ends before'],
    ['[{"a":1},]', 'unexpected character at byte 9'],
    ['[,{"a":1}]', 'unexpected character at byte 1'],
    ['[{"a":1}{"a":2}]', 'unexpected character at byte 8'],
    ['[{"a":1} x]', 'unexpected character at byte 9'],
    ['[{"a":1}]]', 'behind the end'],
    ['[{"a":1}] {}', 'behind the end'],
    ['[{"a":1]]', 'not valid JSON'],
    ['[{"a":1},{a}]', 'Record 1 is not valid JSON'],
    ['[tru]', 'not valid JSON'],
    ['[}]', 'unexpected character at byte 1'],
    ['['.repeat(200_000), 'ends before'],
  ])('that is %j is refused', (body, reason) => {
    const message = refusal(body, 'json')
    expect(message).toMatch(/^malformed_json: /)
    expect(message).toContain(reason)
  })

  it('nested 200,000 deep is rejected in bounded time', () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
    expect(collect(`[${deep},{"message":"a"}]`, 'json')).toMatchObject({ rows: [{ message: 'a' }], errors: [[0, 'is no JSON object']] })
    expect(collect(`{"a":${deep}}`, 'json').errors).toEqual([[0, 'is nested deeper than 32 levels']])
  })

  it('with a million keys is rejected without being parsed', () => {
    const body = `{${Array.from({ length: 1_000_000 }, (_, i) => `"k${i}":1`).join(',')}}`
    expect(collect(body, 'json').errors).toEqual([[0, `has more than ${recordBytesMax} bytes`]])
  })
})
