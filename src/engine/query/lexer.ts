import type { GlobPart } from './ast.ts'
import { QueryError } from './query_error.ts'

/** Where reading stands in a query. The parser says which kind of token may come next; there is no token stream. */
export interface Lexer {
  readonly text: string
  position: number
}

/** A word or a quoted text, escapes resolved. */
export interface Text {
  /** Index of its first character. */
  start: number
  quoted: boolean
  /** Literals and unescaped wildcards; never two literals or two `*` in a row; empty for `""`. */
  parts: GlobPart[]
}

/** A value as written in a comparison or range, and where, so that an error can point at it. */
export interface Operand {
  text: string
  start: number
}

/** A backslash before one of these takes its special meaning away; before anything else it stands for itself. */
const escapable = /[\s!-/:-@[-`{-~]/

const space = /\s/

export function skipSpaces(lexer: Lexer): void {
  while (lexer.position < lexer.text.length && space.test(lexer.text[lexer.position]!)) lexer.position++
}

/** The next UTF-16 unit, '' at the end. */
export function peek(lexer: Lexer): string {
  return lexer.text[lexer.position] ?? ''
}

export function atSpaceOrEnd(lexer: Lexer): boolean {
  const next = peek(lexer)
  return next === '' || space.test(next)
}

/** Steps over `expected` when it is next. */
export function take(lexer: Lexer, expected: string): boolean {
  if (!lexer.text.startsWith(expected, lexer.position)) return false
  lexer.position += expected.length
  return true
}

/** Reads up to white space, the end, or an unescaped character of `stops`; may be empty. */
export function readWord(lexer: Lexer, stops: string): Text {
  const start = lexer.position
  const parts: GlobPart[] = []
  while (!atSpaceOrEnd(lexer) && !stops.includes(peek(lexer))) readCharacter(lexer, parts)
  return { start, quoted: false, parts }
}

/** Reads a quoted text; the opening quote is next. */
export function readQuoted(lexer: Lexer): Text {
  const start = lexer.position++
  const parts: GlobPart[] = []
  while (peek(lexer) !== '"') {
    if (peek(lexer) === '') fail(lexer, 'a closing quote "')
    readCharacter(lexer, parts)
  }
  lexer.position++
  return { start, quoted: true, parts }
}

/** Reads a regular expression as it is written, in quotes (only \" is an escape there) or up to white space. */
export function readPattern(lexer: Lexer): string {
  if (!take(lexer, '"')) {
    const start = lexer.position
    while (!atSpaceOrEnd(lexer) && !'()"'.includes(peek(lexer))) lexer.position++
    return lexer.text.slice(start, lexer.position)
  }
  let pattern = ''
  while (!take(lexer, '"')) {
    const next = peek(lexer)
    if (next === '') fail(lexer, 'a closing quote "')
    const escaped = next === '\\' ? (lexer.text[lexer.position + 1] ?? '') : ''
    pattern += escaped === '"' ? '"' : next + escaped
    lexer.position += 1 + escaped.length
  }
  return pattern
}

/** The text with its wildcards taken as plain characters. */
export function literalOf(text: Text): string {
  return text.parts.map((part) => (typeof part === 'string' ? part : part.literal)).join('')
}

export function hasWildcard(text: Text): boolean {
  return text.parts.some((part) => typeof part === 'string')
}

/** Throws what was expected at the present position, or at `position`. */
export function fail(lexer: Lexer, expected: string, position = lexer.position): never {
  throw new QueryError(position, expected, describe(lexer.text, position))
}

function readCharacter(lexer: Lexer, parts: GlobPart[]): void {
  const next = peek(lexer)
  const following = lexer.text[lexer.position + 1] ?? ''
  if (next === '\\' && escapable.test(following)) {
    lexer.position += 2
    return addLiteral(parts, following)
  }
  lexer.position++
  if (next !== '*' && next !== '?') return addLiteral(parts, next)
  if (next === '?' || parts.at(-1) !== '*') parts.push(next)
}

function addLiteral(parts: GlobPart[], text: string): void {
  const last = parts.at(-1)
  if (typeof last === 'object') last.literal += text
  else parts.push({ literal: text })
}

/** Names what stands at `position`, shortened, for an error sentence. */
function describe(text: string, position: number): string {
  if (position >= text.length) return 'the end of the query'
  const word = /^\S{1,20}/u.exec(text.slice(position))
  return word === null ? 'white space' : JSON.stringify(word[0])
}
