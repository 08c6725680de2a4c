import fc from 'fast-check'
import { severities } from '../../src/core/severity.ts'
import type { RowExtra } from '../../src/engine/block/block_buffer.ts'
import { createBlockBuilder } from '../../src/engine/block/writer.ts'
import { openBlock } from '../../src/engine/block/reader.ts'
import type { Block, EncodedBlock, ReadCost } from '../../src/engine/block/types.ts'
import type { AttributeValue, EncodableRow, StoredRow } from '../../src/engine/row.ts'
import { seededRandom } from './seeded_random.ts'

/** When the rows of tests were received. */
export const receivedMs = Date.UTC(2026, 10, 22, 7, 30)

/** A row with everything optional: 07:04:17 on the day of the corpus, INFO, from `api`. */
export function row(
  fields: Partial<Omit<EncodableRow, 'names' | 'values'>> & { attributes?: Record<string, AttributeValue> } = {},
): EncodableRow {
  const { attributes = {}, ...rest } = fields
  return {
    timestampMs: Date.UTC(2026, 10, 22, 7, 4, 17),
    timestampNs: 0,
    severity: 2,
    source: 'api',
    message: 'request completed',
    ...rest,
    names: Object.keys(attributes),
    values: Object.values(attributes),
  }
}

/** Encodes rows as one or more blocks. */
export function encodeRows(rows: readonly EncodableRow[], extra?: (index: number) => RowExtra): EncodedBlock[] {
  const builder = createBlockBuilder(receivedMs)
  for (const [i, each] of rows.entries()) builder.add(each, extra?.(i))
  return builder.finish()
}

export function openEncoded({ meta, head, body }: EncodedBlock, cost: ReadCost = newCost()): Block {
  return openBlock(meta, head, () => body, cost)
}

export function newCost(): ReadCost {
  return { bytesRead: 0, bytesDecompressed: 0, pagesRead: 0 }
}

/** All rows of a block, in its order. */
export function allRows(block: Block): StoredRow[] {
  return block.materialise(Array.from({ length: block.meta.rows }, (_, index) => index))
}

/** What a block gives back for a row: well-formed text, the last of repeated names, 0 for -0. */
export function storedRow(given: EncodableRow, seq: number): StoredRow {
  const attributes = Object.create(null) as Record<string, AttributeValue>
  for (const [i, name] of given.names.entries()) attributes[name.toWellFormed()] = storedValue(given.values[i]!)
  return {
    seq,
    timestampMs: given.timestampMs,
    timestampNs: given.timestampNs,
    severity: given.severity,
    source: given.source.toWellFormed(),
    message: given.message.toWellFormed(),
    attributes,
    createdMs: receivedMs,
    updatedMs: 0,
  }
}

function storedValue(value: AttributeValue): AttributeValue {
  if (typeof value === 'string') return value.toWellFormed()
  return typeof value === 'number' ? value + 0 : value
}

const words = [
  'connection',
  'reset',
  'by',
  'peer',
  'Timeout',
  'GET',
  '/api/orders',
  'Größe',
  'ΣΊΣΥΦΟΣ',
  '日本',
  'user_7',
  '502',
  '-',
  '"quoted"',
  'İK',
]

/** Text with everything that is hard: NUL, lone surrogates, a byte order mark, scripts, words that repeat. */
export const anyText: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.array(fc.constantFrom(...words), { maxLength: 6 }).map((parts) => parts.join(' ')) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 20 }) },
  {
    weight: 1,
    arbitrary: fc.array(fc.constantFrom('\ud800', '\udfff', '\0', '\ufeff', 'a', '😀'), { maxLength: 6 }).map((parts) => parts.join('')),
  },
)

export const anyNumber: fc.Arbitrary<number> = fc.oneof(
  fc.integer(),
  fc.integer({ min: 0, max: 600 }),
  fc.integer({ min: 0, max: 5000 }).map((ms) => ms / 1000),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(0, -0, 0.1, 1e21, -1e-9, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, Number.MAX_VALUE, Number.MIN_VALUE),
)

export const anyValue: fc.Arbitrary<AttributeValue> = fc.oneof(
  { weight: 3, arbitrary: anyText },
  { weight: 3, arbitrary: anyNumber },
  { weight: 1, arbitrary: fc.boolean() },
  { weight: 1, arbitrary: fc.bigInt({ min: -(2n ** 80n), max: 2n ** 80n }) },
)

export const anyName = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom('status', 'path', 'user.id', 'request_time', 'host', 'message', '__proto__', 'constructor', 'toString', ''),
  },
  { weight: 1, arbitrary: anyText },
)

/** Rows as producers send them: few sources and names, columns of one type and of several, gaps, names repeated. */
export const anyRow: fc.Arbitrary<EncodableRow> = fc
  .record({
    timestampMs: fc.oneof(fc.integer({ min: receivedMs - 60_000, max: receivedMs }), fc.integer({ min: 0, max: 9_999_999_999_999 })),
    timestampNs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 999_999 })),
    severity: fc.nat({ max: severities.length - 1 }),
    source: fc.oneof(fc.constantFrom('api', 'web', ''), anyText),
    message: anyText,
    pairs: fc.array(fc.tuple(anyName, anyValue), { maxLength: 8 }),
  })
  .map(({ pairs, ...fields }) => ({ ...fields, names: pairs.map(([name]) => name), values: pairs.map(([, value]) => value) }))

export const anyRows: fc.Arbitrary<EncodableRow[]> = fc.array(anyRow, { minLength: 1, maxLength: 60 })

/** `count` rows of a shop's access log, a few milliseconds apart. */
export function accessRows(count: number, seed = 1): EncodableRow[] {
  const random = seededRandom(seed)
  const hex = () => random(0x1_0000_0000).toString(16).padStart(8, '0')
  let timestampMs = Date.UTC(2026, 10, 22, 7, 4, 17)
  return Array.from({ length: count }, () => {
    const status = [200, 200, 200, 200, 304, 404, 502][random(7)]!
    const path = `/api/products/${random(300)}`
    timestampMs += random(20)
    return row({
      timestampMs,
      severity: status === 502 ? 4 : 2,
      source: ['api', 'web', 'worker'][random(3)]!,
      message: `GET ${path} ${status}`,
      attributes: {
        path,
        status,
        bytes: random(20_000),
        request_time: random(900) / 1000,
        request_id: hex() + hex() + hex() + hex(),
        cached: random(2) === 0,
      },
    })
  })
}
