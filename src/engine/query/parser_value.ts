import { globWildcardsMax, queryTermsMax } from '../../core/limits.ts'
import { isTokenChar } from '../encode/tokens.ts'
import type { Bound, Field, Filter, GlobPart } from './ast.ts'
import { fail, hasWildcard, literalOf, peek, readPattern, readQuoted, readWord, skipSpaces, take } from './lexer.ts'
import type { Lexer, Operand, Text } from './lexer.ts'
import { compareLeaf } from './parser_compare.ts'
import { severityLeafOf, severityMaskOf } from './parser_severity.ts'
import { checkRegex } from './regex.ts'

/** State of one parse. */
export interface Parser {
  lexer: Lexer
  terms: number
  depth: number
  /** Where words without a field stand, and words before a colon with what follows it. */
  words: { start: number; end: number }[]
}

/** Counts one more condition, the one that starts at `position`. */
export function countTerm(parser: Parser, position = parser.lexer.position): void {
  if (++parser.terms > queryTermsMax) fail(parser.lexer, `at most ${queryTermsMax} terms`, position)
}

/** Reads the condition on `field` that comes next: anything that may stand right after `field:` but a group. */
export function readFieldValue(parser: Parser, field: Field): Filter {
  const { lexer } = parser
  countTerm(parser)
  if (take(lexer, '>=')) return compareLeaf(lexer, field, { min: readBound(lexer, true) })
  if (take(lexer, '<=')) return compareLeaf(lexer, field, { max: readBound(lexer, true) })
  if (take(lexer, '>')) return compareLeaf(lexer, field, { min: readBound(lexer, false) })
  if (take(lexer, '<')) return compareLeaf(lexer, field, { max: readBound(lexer, false) })
  if (take(lexer, '=')) return exactLeaf(lexer, field)
  if (take(lexer, '~')) return regexLeaf(lexer, field)
  if (take(lexer, 'in(')) return readSet(parser, field)
  const next = peek(lexer)
  if (next === '[' || next === '{') return readRange(lexer, field)
  return leafOfText(lexer, field, next === '"' ? readQuoted(lexer) : readWord(lexer, '()"'))
}

/** The condition that a word or a quoted text stands for; `field: null` means any field. */
export function leafOfText(lexer: Lexer, field: Field | null, text: Text): Filter {
  if (text.parts.length === 0)
    fail(lexer, text.quoted ? 'text between the quotes (field:="" finds the empty value)' : 'a value', text.start)
  if (text.parts.filter((part) => part === '?').length > globWildcardsMax)
    fail(
      lexer,
      `at most ${globWildcardsMax} wildcards ? in one pattern (put \\ before a ? that is text; * stands for any number of characters)`,
      text.start,
    )
  if (field !== null && 'system' in field) {
    if (field.system === 'severity') return severityLeafOf(lexer, text)
    if (isTimeField(field)) return timeLeafOf(lexer, field, text)
  }
  return plainLeaf(field, text)
}

function plainLeaf(field: Field | null, text: Text): Filter {
  const isLiteral = !hasWildcard(text) || (field === null && text.quoted)
  if (isLiteral) return { kind: 'phrase', field, text: literalOf(text) }
  const { parts } = text
  if (parts.length === 1 && parts[0] === '*') return field === null ? { kind: 'all' } : { kind: 'exists', field }
  const prefix = text.quoted ? undefined : prefixOf(parts)
  return prefix === undefined ? { kind: 'glob', field, parts } : { kind: 'prefix', field, text: prefix }
}

/** The `word` of `word*`, when it has token characters only. */
function prefixOf(parts: readonly GlobPart[]): string | undefined {
  const [first, second] = parts
  if (parts.length !== 2 || typeof first !== 'object' || second !== '*') return undefined
  return Array.from(first.literal).every((character) => isTokenChar(character.codePointAt(0) ?? 0)) ? first.literal : undefined
}

function timeLeafOf(lexer: Lexer, field: Field, text: Text): Filter {
  if (text.parts.length === 1 && text.parts[0] === '*') return { kind: 'exists', field }
  const bound: Bound<Operand> = { value: { text: literalOf(text), start: text.start }, inclusive: true }
  return compareLeaf(lexer, field, { min: bound, max: bound })
}

function exactLeaf(lexer: Lexer, field: Field): Filter {
  const { text, start } = readOperand(lexer, '()"')
  const bound = { value: { text, start }, inclusive: true }
  if (isTimeField(field)) return compareLeaf(lexer, field, { min: bound, max: bound })
  if (isSeverity(field)) return { kind: 'severity', mask: severityMaskOf(lexer, text, start) }
  return { kind: 'exact', field, text }
}

function regexLeaf(lexer: Lexer, field: Field): Filter {
  const start = lexer.position
  if (isTimeField(field) || isSeverity(field)) fail(lexer, 'a value, a comparison or a range: this field takes no regular expression')
  const pattern = readPattern(lexer)
  if (pattern === '') fail(lexer, 'a regular expression, best in quotes', start)
  checkRegex(lexer, pattern, start)
  return { kind: 'regex', field, pattern }
}

/** in(a, "b c"); the opening parenthesis was read. */
function readSet(parser: Parser, field: Field): Filter {
  const { lexer } = parser
  const operands: Operand[] = []
  if (isTimeField(field)) fail(lexer, 'a comparison or a range: this field takes no set')
  do {
    skipSpaces(lexer)
    const operand = readOperand(lexer, ',()"')
    if (operands.push(operand) > 1) countTerm(parser, operand.start)
    skipSpaces(lexer)
  } while (take(lexer, ','))
  if (!take(lexer, ')')) fail(lexer, 'a comma or a closing parenthesis )')
  if (isSeverity(field))
    return { kind: 'severity', mask: operands.reduce((mask, { text, start }) => mask | severityMaskOf(lexer, text, start), 0) }
  return { kind: 'in', field, texts: operands.map(({ text }) => text) }
}

/** [a TO b], with { or } for a bound that is not included and * for none; the opening bracket is next. */
function readRange(lexer: Lexer, field: Field): Filter {
  const includesMin = take(lexer, '[') || !take(lexer, '{')
  const min = readRangeBound(lexer)
  skipSpaces(lexer)
  if (!take(lexer, 'TO')) fail(lexer, 'TO between the two bounds')
  const max = readRangeBound(lexer)
  skipSpaces(lexer)
  const includesMax = take(lexer, ']')
  if (!includesMax && !take(lexer, '}')) fail(lexer, 'a closing bracket ] or }')
  return compareLeaf(lexer, field, {
    min: min && { value: min, inclusive: includesMin },
    max: max && { value: max, inclusive: includesMax },
  })
}

/** Undefined for *, no bound. */
function readRangeBound(lexer: Lexer): Operand | undefined {
  skipSpaces(lexer)
  const start = lexer.position
  if (peek(lexer) === '"') return { text: literalOf(readQuoted(lexer)), start }
  const text = readWord(lexer, ']}"')
  if (text.parts.length === 0) fail(lexer, 'a bound, or * for none')
  return text.parts.length === 1 && text.parts[0] === '*' ? undefined : { text: literalOf(text), start }
}

function readBound(lexer: Lexer, inclusive: boolean): Bound<Operand> {
  skipSpaces(lexer)
  return { value: readOperand(lexer, '()"'), inclusive }
}

/** A quoted text, which may be empty, or a word; wildcards are plain characters here. */
function readOperand(lexer: Lexer, stops: string): Operand {
  const start = lexer.position
  if (peek(lexer) === '"') return { text: literalOf(readQuoted(lexer)), start }
  const word = readWord(lexer, stops)
  if (word.parts.length === 0) fail(lexer, 'a value')
  return { text: literalOf(word), start }
}

function isSeverity(field: Field): boolean {
  return 'system' in field && field.system === 'severity'
}

function isTimeField(field: Field): boolean {
  return 'system' in field && (field.system === 'timestamp' || field.system === 'created' || field.system === 'updated')
}
