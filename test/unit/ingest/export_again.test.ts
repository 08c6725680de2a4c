import fc from 'fast-check'
import { expect, it } from 'vitest'
import { ndjsonLine } from '../../../src/engine/log_json.ts'
import type { AttributeValue, EncodableRow } from '../../../src/engine/row.ts'
import { fieldRules } from '../../../src/ingest/field_rules.ts'
import { decodeRecords } from '../../../src/ingest/decode.ts'
import { anyRow, anyValue, receivedMs, storedRow } from '../../support/rows.ts'
import { runs } from '../../support/effort.ts'

/** Names that would mean something at the top of a record. */
const telling = fc.constantFrom(...fieldRules.keys(), 'attributes', 'attributes.level', 'id', 'created_at', '_', '__proto__')
const rows = fc.tuple(anyRow, fc.array(fc.tuple(telling, anyValue), { maxLength: 8 })).map(([row, pairs]): EncodableRow => {
  const names = [...row.names, ...pairs.map(([name]) => name)]
  // No stored name is empty: the normaliser calls it `_`.
  return { ...row, names: names.map((name) => name || '_'), values: [...row.values, ...pairs.map(([, value]) => value)] }
})

/** An integer is the same whether a double or a bigint holds it. */
const plain = (value: AttributeValue) => (typeof value === 'bigint' || typeof value === 'number' ? `number ${value}` : value)

function content({ names, values, timestampMs, timestampNs, severity, source, message }: EncodableRow) {
  const attributes = new Map(names.map((name, i) => [name, plain(values[i]!)]))
  return { timestampMs, timestampNs, severity, source, message, attributes }
}

it('any stored log that is exported as NDJSON is the same log when it is ingested again', () => {
  fc.assert(
    fc.property(fc.array(rows, { minLength: 1, maxLength: 4 }), (given) => {
      const stored = given.map((row, i) => storedRow(row, i + 1))
      const body = stored.map(ndjsonLine).join('')
      const again: unknown[] = []
      decodeRecords(Buffer.from(body), 'ndjson', receivedMs, {
        row: (row) => again.push(content(row)),
        reject: (index, reason) => again.push([index, reason]),
      })
      const expected = stored.map(({ attributes, ...row }) =>
        content({ ...row, names: Object.keys(attributes), values: Object.values(attributes) }),
      )
      expect(again).toEqual(expected)
    }),
    { numRuns: runs(1000) },
  )
})
