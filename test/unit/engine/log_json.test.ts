import fc from 'fast-check'
import { expect, test } from 'vitest'
import { logJson, ndjsonLine } from '../../../src/engine/log_json.ts'
import type { AttributeValue, StoredRow } from '../../../src/engine/row.ts'
import { attributeOf, setAttribute } from '../../../src/engine/row.ts'

const names = fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'toJSON', 'status'))
const values = fc.oneof(
  fc.string(),
  fc.boolean(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 200n }),
)

function rowOf(entries: readonly (readonly [string, AttributeValue])[], rest: Partial<StoredRow> = {}): StoredRow {
  const attributes: StoredRow['attributes'] = {}
  for (const [name, value] of entries) setAttribute(attributes, name, value)
  return { seq: 1, timestampMs: 5, timestampNs: 0, severity: 2, source: '', message: '', attributes, createdMs: 1, updatedMs: 0, ...rest }
}

test('an NDJSON line is the public form of the row without what belongs to the store', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(names, values)),
      fc.string({ unit: 'binary' }),
      fc.string(),
      fc.nat(999_999),
      (entries, message, source, timestampNs) => {
        const row = rowOf(entries, { message, source, timestampNs })
        const { id: _id, created_at: _created, updated_at: _updated, ...content } = logJson(row, 3)
        expect(ndjsonLine(row)).toBe(`${JSON.stringify(content)}\n`)
      },
    ),
  )
})

test('an attribute may be called as what every object has', () => {
  const { attributes } = rowOf([
    ['__proto__', 'x'],
    ['constructor', 1],
    ['big', 2n ** 64n],
  ])
  expect(attributeOf(attributes, '__proto__')).toBe('x')
  expect(attributeOf(attributes, 'toString')).toBeUndefined()
  expect(Object.getPrototypeOf(attributes)).toBe(Object.prototype)
  expect(ndjsonLine(rowOf(Object.entries(attributes)))).toContain(
    '"attributes":{"__proto__":"x","constructor":1,"big":18446744073709551616}',
  )
})
