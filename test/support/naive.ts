import { RE2JS } from 're2js'
import { severities } from '../../src/core/severity.ts'
import type { Field, Filter, GlobPart, Instant, Leaf } from '../../src/engine/query/ast.ts'
import type { AttributeValue, StoredRow } from '../../src/engine/row.ts'
import { attributeOf } from '../../src/engine/row.ts'

/** Whether a row matches, in the plainest way: the oracle that the engine is held against. */
export function matchesNaively(filter: Filter, row: StoredRow): boolean {
  switch (filter.kind) {
    case 'all':
      return true
    case 'and':
      return filter.filters.every((part) => matchesNaively(part, row))
    case 'or':
      return filter.filters.some((part) => matchesNaively(part, row))
    case 'not':
      return !matchesNaively(filter.filter, row)
    case 'severity':
      return (filter.mask & (1 << row.severity)) !== 0
    case 'time':
      return matchesTime(filter, row)
    case 'exists': {
      const value = valueOf(row, filter.field)
      return value !== undefined
    }
    default:
      return valuesOf(row, filter.field).some((value) => matchesValue(filter, value))
  }
}

function valuesOf(row: StoredRow, field: Field | null): AttributeValue[] {
  if (field === null) return [row.message, row.source, severities[row.severity] ?? '', ...Object.values(row.attributes)]
  const value = 'system' in field && (field.system === 'message' || field.system === 'source') ? row[field.system] : valueOf(row, field)
  return value === undefined ? [] : [value]
}

/** Undefined where the field counts as missing. */
function valueOf(row: StoredRow, field: Field): AttributeValue | undefined {
  if ('attribute' in field) return attributeOf(row.attributes, field.attribute)
  switch (field.system) {
    case 'message':
    case 'source':
      return row[field.system] === '' ? undefined : row[field.system]
    case 'severity':
      return severities[row.severity]
    case 'timestamp':
      return row.timestampMs
    case 'created':
      return row.createdMs
    case 'updated':
      return row.updatedMs === 0 ? undefined : row.updatedMs
  }
}

type ValueLeaf = Exclude<Leaf, { kind: 'severity' | 'time' | 'exists' }>

function matchesValue(leaf: ValueLeaf, value: AttributeValue): boolean {
  const text = String(value)
  const isText = typeof value === 'string'
  switch (leaf.kind) {
    case 'phrase':
      return isText ? holdsPhrase(lower(text), lower(leaf.text), true) : lower(text) === lower(leaf.text)
    case 'prefix':
      return isText ? holdsPhrase(lower(text), lower(leaf.text), false) : lower(text).startsWith(lower(leaf.text))
    case 'glob':
      return globRegExp(leaf.parts).test(lower(text))
    case 'regex':
      return RE2JS.compile(leaf.pattern, RE2JS.CASE_INSENSITIVE).test(text.replace(/[\u017f\u212a]/g, '\ufffd'))
    case 'exact':
      return text === leaf.text
    case 'in':
      return leaf.texts.some((member) => lower(member) === lower(text))
    case 'compare':
      return inBounds(leaf, value)
  }
}

/** Character by character, where nothing beyond ASCII becomes ASCII. */
function lower(text: string): string {
  return Array.from(text, (character) => {
    const folded = character.toLowerCase()
    return /[^\0-\x7f]/.test(character) && /[\0-\x7f]/.test(folded) ? character : folded
  }).join('')
}

const tokenCharacter = /^(?:[A-Za-z0-9_]|(?![\0-\x7f])[\p{L}\p{N}\p{M}])$/u

function holdsPhrase(text: string, phrase: string, isWhole: boolean): boolean {
  const characters = Array.from(text)
  const wanted = Array.from(phrase)
  const isToken = (character: string | undefined) => character !== undefined && tokenCharacter.test(character)
  for (let start = 0; start + wanted.length <= characters.length; start++) {
    if (!wanted.every((character, i) => character === characters[start + i])) continue
    const isCutBefore = isToken(wanted[0]) && isToken(characters[start - 1])
    const isCutAfter = isWhole && isToken(wanted.at(-1)) && isToken(characters[start + wanted.length])
    if (!isCutBefore && !isCutAfter) return true
  }
  return false
}

function globRegExp(parts: readonly GlobPart[]): RegExp {
  const source = parts.map((part) => {
    if (part === '*') return '.*'
    return part === '?' ? '.' : lower(part.literal).replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
  })
  return new RegExp(`^${source.join('')}$`, 'su')
}

function inBounds({ min, max }: Extract<Leaf, { kind: 'compare' }>, value: AttributeValue): boolean {
  const isNumeric = typeof (min ?? max)?.value !== 'string'
  const comparable = isNumeric ? numberIn(value) : typeof value === 'string' ? lower(value) : undefined
  if (comparable === undefined) return false
  if (min !== undefined && !(comparable > min.value || (min.inclusive && comparable >= min.value))) return false
  return max === undefined || comparable < max.value || (max.inclusive && comparable <= max.value)
}

function numberIn(value: AttributeValue): number | bigint | undefined {
  if (typeof value === 'boolean') return undefined
  if (typeof value !== 'string') return value
  if (value.length > 400 || !/^-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(value)) return undefined
  return /^-?\d+$/.test(value) ? BigInt(value) : Number(value)
}

function matchesTime({ column, min, max }: Extract<Leaf, { kind: 'time' }>, row: StoredRow): boolean {
  const nanos = ({ ms, ns }: Instant) => BigInt(ms) * 1_000_000n + BigInt(ns)
  const ms = { timestamp: row.timestampMs, created: row.createdMs, updated: row.updatedMs }[column]
  if (column === 'updated' && ms === 0) return false
  const time = nanos({ ms, ns: column === 'timestamp' ? row.timestampNs : 0 })
  if (min !== undefined && (min.inclusive ? time < nanos(min.value) : time <= nanos(min.value))) return false
  return max === undefined || (max.inclusive ? time <= nanos(max.value) : time < nanos(max.value))
}
