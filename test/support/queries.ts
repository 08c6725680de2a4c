import fc from 'fast-check'
import { severities } from '../../src/core/severity.ts'
import { formatTimestamp } from '../../src/core/time.ts'
import { parseQuery } from '../../src/engine/query/parser.ts'
import { QueryError } from '../../src/engine/query/query_error.ts'
import type { EncodableRow } from '../../src/engine/row.ts'

/** A query text that means just this text: wildcards and quotes lose their meaning. */
export function quoted(text: string): string {
  return `"${text.replace(/[\\"*?]/g, '\\$&')}"`
}

/** Queries whose terms come from the rows (whole values, parts of them, other case), so that many match something. */
export function anyQuery(rows: readonly EncodableRow[]): fc.Arbitrary<string> {
  const { query } = fc.letrec<{ query: string; leaf: string }>((tie) => ({
    leaf: anyLeaf(rows),
    query: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      { weight: 4, arbitrary: tie('leaf') },
      {
        weight: 2,
        arbitrary: fc
          .tuple(tie('query'), fc.constantFrom(' ', ' AND ', ' OR '), tie('query'))
          .map(([a, operator, b]) => `(${a}${operator}${b})`),
      },
      { weight: 1, arbitrary: fc.tuple(fc.constantFrom('-', '!', 'NOT '), tie('query')).map(([sign, inner]) => `${sign}(${inner})`) },
    ),
  }))
  // Some made-up patterns and ranges are malformed; those are for the tests of the parser.
  return query.filter(parses)
}

function parses(text: string): boolean {
  try {
    parseQuery(text)
    return true
  } catch (error) {
    if (error instanceof QueryError) return false
    throw error
  }
}

/** A field and one of the values it has, as text; a name that no row has now and then. */
interface Place {
  field: string
  value: string
}

function anyLeaf(rows: readonly EncodableRow[]): fc.Arbitrary<string> {
  const place = fc.constantFrom(...rows.flatMap(placesOf), { field: 'attributes.missing', value: 'x' })
  const time = fc.constantFrom(...rows).map(({ timestampMs, timestampNs }) => formatTimestamp(timestampMs, timestampNs))
  const onField = place.chain(({ field, value }) => {
    const text = partOf(value)
    const number = fc.oneof(fc.constant(numberIn(value)), fc.integer({ min: -10, max: 600 }).map(String))
    const operand = fc.oneof(number, text.map(quoted), fc.constant(quoted(value)))
    const condition = fc.oneof(
      text.map((part) => quoted(part || 'x')),
      text.map((part) => `${/[\p{L}\p{N}_]+/u.exec(part)?.[0] ?? 'x'}*`),
      fc.tuple(fc.constantFrom('*', '?', ''), text, fc.constantFrom('*', '?', '?*'), text, fc.constantFrom('*', '?', '')).map(glob),
      fc.tuple(text, anyPattern).map(([part, tail]) => `~"${pattern(part)}${tail}"`),
      comparison(number),
      comparison(text.map(quoted)),
      operand.map((member) => `=${member}`),
      fc.array(operand, { minLength: 1, maxLength: 3 }).map((members) => `in(${members.join(', ')})`),
      fc.constant('*'),
    )
    return condition.map((given) => `${field.startsWith('attributes.') ? quoted(field) : field}:${given}`)
  })
  const free = place.chain(({ value }) => {
    const text = partOf(value)
    const word = text.map((part) => /[\p{L}\p{N}_]+/u.exec(part)?.[0] ?? 'x')
    return fc.oneof(
      text.map((part) => quoted(part || 'x')),
      word.map((part) => `${part}*`),
      fc.tuple(word, word).map(([a, b]) => `*${a}*${b}*`),
      word.map((part) => `*${part}*`),
    )
  })
  const system = fc.oneof(
    fc.constantFrom('updated_at:*', 'created_at:>=2026-11-22T07:30:00Z', 'created_at:<2026-11-22T07:30:00Z', '*', 'service:*'),
    fc.constantFrom(...severities, 'warn', 'err', '*').map((name) => `level:${name}`),
    fc.tuple(fc.constantFrom('>=', '<', '<='), fc.constantFrom(...severities)).map(([operator, name]) => `severity:${operator}${name}`),
    comparison(time).map((condition) => `timestamp:${condition}`),
  )
  return fc.oneof({ weight: 4, arbitrary: onField }, { weight: 2, arbitrary: free }, { weight: 1, arbitrary: system })
}

function placesOf({ message, source, names, values }: EncodableRow): Place[] {
  const attributes = names.map((name, i) => ({ field: `attributes.${name.toWellFormed()}`, value: String(values[i]).toWellFormed() }))
  return [{ field: 'message', value: message.toWellFormed() }, { field: 'source', value: source.toWellFormed() }, ...attributes]
}

function comparison(bound: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const end = fc.oneof(bound, fc.constant('*'))
  return fc.oneof(
    fc.tuple(fc.constantFrom('>', '>=', '<', '<='), bound).map(([operator, value]) => operator + value),
    fc
      .tuple(fc.constantFrom('[', '{'), end, end, fc.constantFrom(']', '}'))
      .map(([open, min, max, close]) => `${open}${min} TO ${max}${close}`),
  )
}

/** The value or a slice of it, sometimes in upper case. */
function partOf(value: string): fc.Arbitrary<string> {
  return fc.tuple(fc.nat({ max: 30 }), fc.nat({ max: 12 }), fc.boolean(), fc.boolean()).map(([start, length, isWhole, isUpper]) => {
    const part = isWhole ? value : value.slice(start % (value.length + 1)).slice(0, length + 1)
    return isUpper ? part.toWellFormed().toUpperCase() : part.toWellFormed()
  })
}

const anyPattern = fc.constantFrom('', '.*', '\\d+', '[a-z]*$', '|reset', '(s|k)?', 'x?', '\\b', '(?-i)')

function pattern(literal: string): string {
  return literal.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&').replaceAll('"', '\\"')
}

function numberIn(value: string): string {
  return /^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/.test(value) ? value : '502'
}

function glob(parts: readonly string[]): string {
  return `"${parts.map((part, i) => (i % 2 === 0 ? part : part.replace(/[\\"*?]/g, '\\$&'))).join('') || 'x'}"`
}
