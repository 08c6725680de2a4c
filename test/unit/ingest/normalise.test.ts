import { describe, expect, it } from 'vitest'
import {
  attributeNameBytesMax,
  attributesPerRecordMax,
  fieldNamesCachedMax,
  fieldNamesUncachedMax,
  recordDepthMax,
} from '../../../src/core/limits.ts'
import { fieldRules } from '../../../src/ingest/field_rules.ts'
import { collect, reasonOf, received, rowOf } from './collect.ts'

/** `{"a":{"a":...}}` or `[[...]]` with `depth` levels. */
const nested = (open: string, close: string, depth: number) => `${open.repeat(depth)}1${close.repeat(depth)}`

describe('recognised fields', () => {
  it('are preferred in the order of the table; the others stay attributes', () => {
    expect(rowOf({ time: 1795331057193, timestamp: '2026-11-22T08:00:00Z', ts: 1 })).toMatchObject({
      timestamp: '2026-11-22T08:00:00.000Z',
      attributes: { time: 1795331057193, ts: 1 },
    })
    expect(rowOf({ msg: 'second', message: 'first' })).toMatchObject({ message: 'first', attributes: { msg: 'second' } })
  })

  it('lead to the same row whatever their order', () => {
    const record = { host: 'h', service: 's', level: 'warn', severity: 'error', msg: 'b', message: 'a', time: 5e9, timestamp: 6e9, x: 1 }
    const reversed = Object.fromEntries(Object.entries(record).toReversed())
    expect(rowOf(reversed)).toEqual(rowOf(record))
    expect(rowOf(record).attributes).toEqual({ host: 'h', level: 'warn', msg: 'b', time: 5e9, x: 1 })
  })

  it('of foreign producers with a value that cannot be used stay attributes', () => {
    expect(rowOf({ message: 'm', time: 'yesterday', level: 'loud' })).toEqual({
      timestamp: received,
      severity: 'INFO',
      source: '',
      message: 'm',
      attributes: { time: 'yesterday', level: 'loud' },
    })
    expect(rowOf({ message: 'm', time: 0 })).toMatchObject({ timestamp: received, attributes: { time: 0 } })
    expect(rowOf({ msg: 5, level: true, app: false })).toMatchObject({ message: '', attributes: { msg: 5, level: true, app: false } })
  })

  it.each([['later'], ['2026-02-30T00:00:00Z'], [''], [-1], [1e13 * 1e9], [true], [{ seconds: 1 }], [[1]]])(
    'of Edgelog reject the record when the timestamp is %j',
    (timestamp) => {
      expect(reasonOf({ timestamp, message: 'm' })).toMatch(/^has a timestamp that is not a time/)
    },
  )

  it.each([['loud'], [''], [8], [-3], [1e10], [false], [{}], [['ERROR']]])(
    'of Edgelog reject the record when the severity is %j',
    (severity) => {
      expect(reasonOf({ severity, message: 'm' })).toMatch(/^has a severity that is not/)
    },
  )

  it('that are null count as absent', () => {
    expect(rowOf({ timestamp: null, severity: null, source: null, message: null, level: null, x: null, y: {}, z: 1 })).toEqual({
      timestamp: received,
      severity: 'INFO',
      source: '',
      message: '',
      attributes: { z: 1 },
    })
  })

  it('fill the source with the next best name when the first is empty or no text', () => {
    expect(rowOf({ service: '', app: { v: 1 }, host: 'web-01' })).toMatchObject({
      source: 'web-01',
      attributes: { service: '', 'app.v': 1, host: 'web-01' },
    })
    expect(rowOf({ source: '', host: 'web-01' })).toMatchObject({ source: '', attributes: { host: 'web-01' } })
    expect(rowOf({ service: 7 }).source).toBe('7')
  })

  it('count only at their own place and in their own case', () => {
    expect(rowOf({ a: { message: 'x', severity: 'loud' }, LEVEL: 'error', message: 'm' })).toMatchObject({
      severity: 'INFO',
      message: 'm',
      attributes: { 'a.message': 'x', 'a.severity': 'loud', LEVEL: 'error' },
    })
  })

  it('that are too common count only beside another that tells the producer', () => {
    expect(rowOf({ msg: 'user created', name: 'Bob' })).toMatchObject({ source: '', attributes: { name: 'Bob' } })
    expect(rowOf({ msg: 'm', s: 'E' })).toMatchObject({ severity: 'INFO', attributes: { s: 'E' } })
    expect(rowOf({ msg: 'm', name: 'Bob', hostname: 'web-01' })).toMatchObject({ source: 'web-01', attributes: { name: 'Bob' } })
  })

  it('keep what is no text: a message of Edgelog as text, others as attributes', () => {
    expect(rowOf({ message: 42 }).message).toBe('42')
    expect(rowOf({ message: false }).message).toBe('false')
    expect(rowOf({ message: { a: 1 } })).toMatchObject({ message: '', attributes: { 'message.a': 1 } })
    expect(rowOf({ message: ['a', 1] })).toMatchObject({ message: '', attributes: { message: '["a",1]' } })
  })

  it('have one role each', () => {
    expect(fieldRules.size).toBe(new Set([...fieldRules.values()].map(({ name }) => name)).size)
    expect([...fieldRules.values()].filter(({ fault }) => fault !== undefined).map(({ name }) => name)).toEqual(['timestamp', 'severity'])
  })
})

describe('attributes', () => {
  it('are flattened with dots, arrays as JSON text', () => {
    expect(rowOf({ a: { b: { c: 1 }, d: [1, { e: null }], f: [] }, g: true }).attributes).toEqual({
      'a.b.c': 1,
      'a.d': '[1,{"e":null}]',
      'a.f': '[]',
      g: true,
    })
  })

  it('of the object `attributes` stand at the top and are never recognised', () => {
    const attributes = { level: 'error', message: 'inner', deep: { x: 1 }, timestamp: 'never', severity: 'loud' }
    expect(rowOf({ message: 'outer', attributes })).toEqual({
      timestamp: received,
      severity: 'INFO',
      source: '',
      message: 'outer',
      attributes: { level: 'error', message: 'inner', 'deep.x': 1, timestamp: 'never', severity: 'loud' },
    })
    expect(rowOf({ attributes: 'text' }).attributes).toEqual({ attributes: 'text' })
    expect(rowOf({ attributes: [1] }).attributes).toEqual({ attributes: '[1]' })
    expect(rowOf({ a: { attributes: { b: 1 } } }).attributes).toEqual({ 'a.attributes.b': 1 })
  })

  it('hold what looks privileged, without any effect', () => {
    const record = { message: 'm', id: '0000000000000', organization_id: 'other', created_at: '1999', updated_at: null, seq: 5 }
    expect(rowOf(record).attributes).toEqual({ id: '0000000000000', organization_id: 'other', created_at: '1999', seq: 5 })
  })

  it('may be called like members of Object', () => {
    const { attributes } = rowOf('{"message":"m","__proto__":{"polluted":1},"constructor":{"prototype":2},"toString":3,"hasOwnProperty":4}')
    expect(Object.entries(attributes)).toEqual([
      ['__proto__.polluted', 1],
      ['constructor.prototype', 2],
      ['toString', 3],
      ['hasOwnProperty', 4],
    ])
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
    const [line] = collect('{"message":"m","__proto__":"x"}', 'ndjson').rows
    expect(Object.keys(line?.attributes ?? {})).toEqual(['__proto__'])
  })

  it('with an empty name are called _', () => {
    expect(rowOf('{"":1,"a":{"":2}}').attributes).toEqual({ _: 1, 'a.': 2 })
  })

  it('that come twice have the value that comes last', () => {
    expect(rowOf('{"message":"m","a":1,"a":2}').attributes).toEqual({ a: 2 })
    expect(rowOf('{"message":"m","a.b":1,"a":{"b":2}}').attributes).toEqual({ 'a.b': 2 })
  })

  it('are limited in number', () => {
    const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, i]))
    expect(Object.keys(rowOf(many(attributesPerRecordMax)).attributes)).toHaveLength(attributesPerRecordMax)
    expect(reasonOf(many(attributesPerRecordMax + 1))).toBe(`has more than ${attributesPerRecordMax} attributes`)
    expect(reasonOf({ a: { b: many(attributesPerRecordMax + 1) } })).toBe(`has more than ${attributesPerRecordMax} attributes`)
  })

  it('are limited in the bytes of their names', () => {
    expect(rowOf({ ['n'.repeat(attributeNameBytesMax)]: 1 }).attributes).toHaveProperty('n'.repeat(attributeNameBytesMax))
    expect(reasonOf({ ['n'.repeat(attributeNameBytesMax + 1)]: 1 })).toMatch(/^the name "n{40}..." has more than 256 bytes/)
    expect(reasonOf({ ['ü'.repeat(attributeNameBytesMax / 2 + 1)]: 1 })).toMatch(/has more than 256 bytes/)
    expect(reasonOf({ ['a'.repeat(200)]: { ['b'.repeat(100)]: 1 } })).toMatch(/has more than 256 bytes/)
  })

  it('are the same beyond the number of names that are remembered', () => {
    const lines = Array.from({ length: fieldNamesCachedMax + 100 }, (_, i) => JSON.stringify({ message: 'm', [`k${i}`]: { x: i } }))
    const { rows } = collect([...lines, ...lines].join('\n'), 'ndjson')
    expect(rows.map(({ attributes }) => attributes)).toEqual(
      Array.from({ length: 2 }, () => lines.map((_, i) => ({ [`k${i}.x`]: i }))).flat(),
    )
  })

  it('of ever new names end a request that could not be encoded', () => {
    const lines = Array.from({ length: (fieldNamesCachedMax + fieldNamesUncachedMax) / 128 }, (_, i) =>
      JSON.stringify(Object.fromEntries(Array.from({ length: 128 }, (_, j) => [`k${i}_${j}`, 1]))),
    )
    expect(collect(lines.join('\n'), 'ndjson').rows).toHaveLength(lines.length)
    expect(() => collect([...lines, '{"one":"more"}'].join('\n'), 'ndjson')).toThrow(/payload_too_large: .*field names/)
  })

  it('nest only so deep', () => {
    expect(rowOf(nested('{"a":', '}', recordDepthMax)).attributes).toEqual({ [Array(recordDepthMax).fill('a').join('.')]: 1 })
    expect(reasonOf(nested('{"a":', '}', recordDepthMax + 1))).toMatch(/nested deeper than 32/)
    expect(rowOf(`{"a":${nested('[', ']', recordDepthMax - 1)}}`).attributes).toEqual({ a: nested('[', ']', recordDepthMax - 1) })
    expect(reasonOf(`{"a":${nested('[', ']', recordDepthMax)}}`)).toMatch(/nested deeper than 32/)
    expect(reasonOf(`{"a":${nested('[', ']', 100_000)}}`)).toMatch(/nested deeper than 32/)
    expect(reasonOf(nested('{"a":', '}', 40_000))).toMatch(/nested deeper than 32/)
    expect(reasonOf(`{"n":12345678901234567890,"a":${nested('[', ']', 100_000)}}`)).toMatch(/nested/)
  })
})

describe('exact values', () => {
  it('are kept of integers beyond 2^53, also within arrays', () => {
    expect(rowOf('{"a":12345678901234567890,"b":-9007199254740993,"c":[9007199254740993],"d":9007199254740991}').attributes).toEqual({
      a: 12345678901234567890n,
      b: -9007199254740993n,
      c: '[9007199254740993]',
      d: 9007199254740991,
    })
    expect(rowOf('{"message":12345678901234567890}').message).toBe('12345678901234567890')
  })

  it('are kept of numbers that no double holds, as text', () => {
    expect(rowOf('{"a":1e400,"b":[-1e999],"c":1}').attributes).toEqual({ a: '1e400', b: '["-1e999"]', c: 1 })
    expect(rowOf('{"b":[{"c":1e999}]}').attributes).toEqual({ b: '[{"c":"1e999"}]' })
    expect(rowOf('{"message":1e999}').message).toBe('1e999')
    expect(rowOf('{"source":1e999}').source).toBe('1e999')
    expect(rowOf('{"message":1e999,"time":1e999,"level":1e999}')).toMatchObject({ message: '1e999', attributes: { time: '1e999' } })
    expect(rowOf(`{"a":${'9'.repeat(41)},"b":${'9'.repeat(40)}}`).attributes).toEqual({ a: '9'.repeat(41), b: BigInt('9'.repeat(40)) })
  })

  it('are kept of nanosecond times', () => {
    expect(rowOf('{"time":1795331057193456789,"msg":"m"}').timestamp).toBe('2026-11-22T07:04:17.193456789Z')
    expect(rowOf('{"timestamp": 1795331057193456789}').timestamp).toBe('2026-11-22T07:04:17.193456789Z')
  })

  it('of decimals are those of a double', () => {
    expect(rowOf('{"a":0.1234567890123456789,"b":1.0,"c":-0}').attributes).toEqual({ a: 0.12345678901234568, b: 1, c: -0 })
  })

  it('never hold half a surrogate pair', () => {
    const row = rowOf('{"message":"a\\ud800b","x\\udc00":"\\uD83D\\uDE00 \\uDBFF","c":["\\ud800"]}')
    expect(row).toMatchObject({ message: 'a\ufffdb', attributes: { 'x\ufffd': '😀 \ufffd', c: '["\ufffd"]' } })
  })

  it('may hold NUL and other controls', () => {
    expect(rowOf('{"message":"a\\u0000b\\r\\n","k\\u0000":"\\u001b[31m"}')).toMatchObject({
      message: 'a\0b\r\n',
      attributes: { 'k\0': '\u001b[31m' },
    })
  })
})

it('a record without any field is rejected', () => {
  expect(reasonOf({})).toBe('has no fields')
  expect(reasonOf({ a: null, b: {} })).toBe('has no fields')
})
