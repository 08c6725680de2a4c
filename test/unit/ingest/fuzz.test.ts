import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { timestampMsMax } from '../../../src/core/limits.ts'
import { ProblemError } from '../../../src/core/problems.ts'
import { severities } from '../../../src/core/severity.ts'
import { createBlockBuilder } from '../../../src/engine/block/writer.ts'
import type { EncodableRow } from '../../../src/engine/row.ts'
import { decodeRecords } from '../../../src/ingest/decode.ts'
import { fieldRules } from '../../../src/ingest/field_rules.ts'
import { collect, receivedMs, rowOf } from './collect.ts'
import { runs } from '../../support/effort.ts'

/** Names that mean something, names that attack, and others. */
const name = fc.oneof(
  fc.constantFrom(...fieldRules.keys(), 'attributes', '__proto__', 'constructor', 'toString', '', 'a', 'log', 'body', 'kubernetes'),
  fc.string({ maxLength: 8 }),
)
const scalar = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.boolean(),
  fc.constant(null),
  fc.constantFrom('2026-11-22T07:04:17Z', '1795331057193', 'error', 'WARN', 30, 1795331057193, 6, 17),
)
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    scalar,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(name, tie('value'), { maxKeys: 5 }),
  ),
}))
const record = fc.dictionary(name, value, { maxKeys: 12 })

/** Decodes and encodes a body as ingest does; tells what is not as the contract says, and throws any foreign error. */
function faultOf(body: Buffer, type: 'json' | 'ndjson'): string | undefined {
  const builder = createBlockBuilder(receivedMs)
  let fault: string | undefined
  try {
    decodeRecords(body, type, receivedMs, {
      row(row) {
        fault ??= rowFault(row)
        builder.add(row)
      },
      reject(index, reason) {
        if (!Number.isInteger(index) || !/^\w.{3,}/.test(reason)) fault ??= `reason ${index} ${reason}`
      },
    })
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error
  }
  builder.finish()
  return fault
}

function rowFault({ timestampMs: ms, timestampNs: ns, severity, source, message, names, values }: EncodableRow): string | undefined {
  if (!Number.isInteger(ms) || ms < 0 || ms >= timestampMsMax) return `${ms} ms`
  if (!Number.isInteger(ns) || ns < 0 || ns > 999_999) return `${ns} ns`
  if (severities[severity] === undefined) return `severity ${severity}`
  if (!source.isWellFormed() || !message.isWellFormed()) return 'half a surrogate pair'
  if (names.length !== values.length) return `${names.length} names for ${values.length} values`
  if (names.some((text) => text === '' || !text.isWellFormed())) return 'a bad name'
  const bad = values.find((one) => (typeof one === 'string' ? !one.isWellFormed() : typeof one === 'number' && !Number.isFinite(one)))
  return bad === undefined ? undefined : `value ${String(bad)}`
}

describe('the decoder', () => {
  it('makes rows or reasons of any records', () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 6 }), (records) => {
        expect(faultOf(Buffer.from(records.map((one) => JSON.stringify(one)).join('\n')), 'ndjson')).toBeUndefined()
        expect(faultOf(Buffer.from(JSON.stringify(records)), 'json')).toBeUndefined()
      }),
      { numRuns: runs(500) },
    )
  })

  it('makes rows, reasons or a problem of any bytes', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.stringMatching(/^[{}[\]",:\\u0-9a-f\n\r eE.+-]{0,80}$/).map((text) => Buffer.from(text)),
      fc.tuple(record, fc.nat(), fc.nat(255)).map(([one, at, byte]) => {
        const text = Buffer.from(JSON.stringify([one, one]))
        text[at % text.length] = byte
        return text
      }),
    )
    fc.assert(
      fc.property(bytes, (body) => {
        expect(faultOf(Buffer.from(body), 'json')).toBeUndefined()
        expect(faultOf(Buffer.from(body), 'ndjson')).toBeUndefined()
      }),
      { numRuns: runs(3000) },
    )
  })

  it('finds as many records in an array as JSON.parse does', () => {
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 8 }), fc.constantFrom(0, 1, '\t'), (records, space) => {
        const { rows, errors } = collect(JSON.stringify(records, null, space), 'json')
        expect(rows.length + errors.length).toBe(records.length)
      }),
    )
  })

  it('makes the same row of a line, of an element and of a single object', () => {
    fc.assert(
      fc.property(record, (one) => {
        const text = JSON.stringify(one)
        const line = collect(text, 'ndjson')
        const { rows, errors } = collect(`[${text}]`, 'json')
        expect({ rows, errors }).toEqual({ rows: line.rows, errors: line.errors })
        const single = collect(text, 'json')
        expect({ rows: single.rows, errors: single.errors }).toEqual({ rows: line.rows, errors: line.errors })
      }),
    )
  })

  it('makes the same row whatever the order of recognised fields', () => {
    const known = fc.uniqueArray(fc.tuple(fc.constantFrom(...fieldRules.keys()), scalar), { selector: ([key]) => key, maxLength: 10 })
    fc.assert(
      fc.property(known, (entries) => {
        const result = (order: typeof entries) => {
          const { rows, errors } = collect(JSON.stringify(Object.fromEntries(order)), 'ndjson')
          return rows[0] ?? errors.length
        }
        expect(result(entries.toReversed())).toEqual(result(entries))
      }),
    )
  })

  it('keeps every value of a record in its row', () => {
    const plain = fc.dictionary(fc.stringMatching(/^k[a-z]{1,6}$/), fc.oneof(fc.string(), fc.integer(), fc.boolean()), {
      minKeys: 1,
      maxKeys: 20,
    })
    fc.assert(
      fc.property(plain, (one) => {
        expect(rowOf(one).attributes).toEqual({ ...one })
      }),
    )
  })
})
