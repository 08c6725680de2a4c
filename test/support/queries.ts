import fc from 'fast-check'
import { severities } from '../../src/core/severity.ts'
import { formatTimestamp } from '../../src/core/time.ts'
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
      tie('leaf'),
      fc.tuple(tie('query'), fc.constantFrom(' ', ' AND ', ' OR '), tie('query')).map(([a, operator, b]) => `(${a}${operator}${b})`),
      fc.tuple(fc.constantFrom('-', '!', 'NOT '), tie('query')).map(([sign, inner]) => `${sign}(${inner})`),
    ),
  }))
  return query
}

function anyLeaf(rows: readonly EncodableRow[]): fc.Arbitrary<string> {
  const values = rows.flatMap(({ message, source, values }) => [message, source, ...values.map(String)])
  const text = fc.oneof({ weight: 5, arbitrary: partOf(values) }, { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 8 }) })
  const names = Array.from(new Set(rows.flatMap((row) => row.names))).filter((name) => name !== '')
  const field = fc.oneof(
    fc.constantFrom('message', 'source', 'service'),
    fc.constantFrom('status', ...names).map((name) => `attributes.${name}`).map(quoted),
  )
  const maybeField = fc.oneof(
    field.map((name) => `${name}:`),
    fc.constant(''),
  )
  const number = fc.oneof(fc.constantFrom(...values, '0').map(numberIn), fc.integer({ min: -10, max: 600 }).map(String))
  const operand = fc.oneof(number, text.map(quoted))
  const time = fc.constantFrom(...rows).map(({ timestampMs, timestampNs }) => formatTimestamp(timestampMs, timestampNs))
  const range = (bound: fc.Arbitrary<string>) =>
    fc
      .tuple(fc.constantFrom('[', '{'), fc.oneof(bound, fc.constant('*')), fc.oneof(bound, fc.constant('*')), fc.constantFrom(']', '}'))
      .map(([open, min, max, close]) => `${open}${min} TO ${max}${close}`)
  const comparison = (bound: fc.Arbitrary<string>) =>
    fc.oneof(fc.tuple(fc.constantFrom('>', '>=', '<', '<='), bound).map(([operator, value]) => operator + value), range(bound))
  return fc.oneof(
    fc.tuple(maybeField, text.filter((part) => part !== '').map(quoted)).map((parts) => parts.join('')),
    fc.tuple(maybeField, text.map((part) => /[\p{L}\p{N}_]+/u.exec(part)?.[0] ?? 'x')).map(([name, word]) => `${name}${word}*`),
    fc.tuple(maybeField, fc.constantFrom('*', '?', ''), text, fc.constantFrom('*', '?', '?*'), text, fc.constantFrom('*', '?', '')).map(glob),
    fc.tuple(field, text, anyPattern).map(([name, part, tail]) => `${name}:~"${pattern(part)}${tail}"`),
    fc.tuple(field, fc.oneof(comparison(number), comparison(text.map(quoted)))).map(([name, condition]) => `${name}:${condition}`),
    fc.tuple(field, operand).map(([name, value]) => `${name}:=${value}`),
    fc.tuple(field, fc.array(operand, { minLength: 1, maxLength: 3 })).map(([name, members]) => `${name}:in(${members.join(', ')})`),
    field.map((name) => `${name}:*`),
    fc.constantFrom('updated_at:*', 'created_at:>=2026-11-22T07:30:00Z', 'created_at:<2026-11-22T07:30:00Z'),
    fc.constantFrom(...severities, 'warn', 'err', '*').map((name) => `level:${name}`),
    fc.tuple(fc.constantFrom('>=', '<', '<='), fc.constantFrom(...severities)).map(([operator, name]) => `severity:${operator}${name}`),
    comparison(time).map((condition) => `timestamp:${condition}`),
  )
}

/** A slice of one of the values, sometimes in upper case. */
function partOf(values: readonly string[]): fc.Arbitrary<string> {
  return fc
    .tuple(fc.constantFrom('', ...values), fc.nat({ max: 30 }), fc.nat({ max: 12 }), fc.boolean(), fc.boolean())
    .map(([value, start, length, isWhole, isUpper]) => {
      const part = isWhole ? value : value.slice(start % (value.length + 1)).slice(0, length + 1)
      const wellFormed = part.toWellFormed()
      return isUpper ? wellFormed.toUpperCase() : wellFormed
    })
}

const anyPattern = fc.constantFrom('', '.*', '\\d+', '[a-z]*$', '|reset', '(s|k)?', '{1,3}', '\\b', '(?-i)')

function pattern(literal: string): string {
  return literal.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&').replaceAll('"', '\\"')
}

function numberIn(value: string): string {
  return /^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/.test(value) ? value : '502'
}

function glob([field, ...parts]: string[]): string {
  const escaped = parts.map((part, i) => (i % 2 === 0 ? part : part.replace(/[\\"*?]/g, '\\$&')))
  return field === '' ? escaped.join('').replace(/[\s()":\\=~<>!-]/g, '\\$&').replace(/^\\?$/, 'x') || 'x' : `${field}"${escaped.join('') || 'x'}"`
}
