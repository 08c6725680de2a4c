import { Buffer } from 'node:buffer'
import { queryBytesMax, queryDepthMax } from '../../core/limits.ts'
import type { Field, Filter } from './ast.ts'
import { resolveField } from './fields.ts'
import { atSpaceOrEnd, fail, hasWildcard, literalOf, peek, readQuoted, readWord, skipSpaces, take } from './lexer.ts'
import type { Text } from './lexer.ts'
import { countTerm, leafOfText, readFieldValue } from './parser_value.ts'
import type { Parser } from './parser_value.ts'
import { QueryError } from './query_error.ts'

/**
 * Parses a query of the language described in ../QUERY.md. White space alone matches every row.
 * Throws `QueryError`, and nothing else, whatever the text.
 */
export function parseQuery(text: string): Filter {
  return readQuery(text).filter
}

/** The same with what was read on the way. */
export function readQuery(text: string): Parser & { filter: Filter } {
  if (Buffer.byteLength(text) > queryBytesMax) {
    throw new QueryError(
      Math.min(text.length, queryBytesMax),
      `a query of at most ${queryBytesMax} bytes`,
      `${Buffer.byteLength(text)} bytes`,
    )
  }
  const parser: Parser = { lexer: { text: text.toWellFormed(), position: 0 }, terms: 0, depth: 0, words: [] }
  skipSpaces(parser.lexer)
  if (peek(parser.lexer) === '') return { ...parser, filter: { kind: 'all' } }
  const filter = readOr(parser, null)
  if (peek(parser.lexer) !== '') fail(parser.lexer, 'a term, AND or OR: there is no open parenthesis to close')
  return { ...parser, filter }
}

/** or := and ('OR' and)*; leaves the position after trailing white space. `field` is that of a group `field:( )`. */
function readOr(parser: Parser, field: Field | null): Filter {
  const filters = [readAnd(parser, field)]
  while (takeOperator(parser, 'OR')) filters.push(readAnd(parser, field))
  return filters.length === 1 ? filters[0]! : { kind: 'or', filters }
}

/** and := not (['AND'] not)* */
function readAnd(parser: Parser, field: Field | null): Filter {
  const filters = [readNot(parser, field)]
  for (;;) {
    skipSpaces(parser.lexer)
    const next = peek(parser.lexer)
    if (next === '' || next === ')' || isOperator(parser, 'OR')) break
    takeOperator(parser, 'AND')
    filters.push(readNot(parser, field))
  }
  return filters.length === 1 ? filters[0]! : { kind: 'and', filters }
}

/** not := ('NOT' | '-' | '!')* primary */
function readNot(parser: Parser, field: Field | null): Filter {
  let negated = false
  for (;;) {
    skipSpaces(parser.lexer)
    if (takeOperator(parser, 'NOT')) {
      negated = !negated
    } else if (peek(parser.lexer) === '-' || peek(parser.lexer) === '!') {
      parser.lexer.position++
      negated = !negated
      if (atSpaceOrEnd(parser.lexer)) fail(parser.lexer, 'a term right after the sign (put a sign that is text in quotes)')
    } else break
  }
  const filter = readPrimary(parser, field)
  return negated ? { kind: 'not', filter } : filter
}

function readPrimary(parser: Parser, field: Field | null): Filter {
  const { lexer } = parser
  const next = peek(lexer)
  if (next === '(') return readGroup(parser, field)
  if (next === '' || next === ')') fail(lexer, 'a word, a quoted phrase or field:value')
  for (const operator of ['AND', 'OR']) if (isOperator(parser, operator)) fail(lexer, 'a term (put an operator that is text in quotes)')
  if (field !== null) return readFieldValue(parser, field)
  if ('=~<>'.includes(next)) fail(lexer, 'a field before this operator, as in status:>=500 (put text in quotes)')
  if (next === ':') fail(lexer, 'a field name before the colon (put text in quotes)')
  const start = lexer.position
  const text = next === '"' ? readQuoted(lexer) : readWord(lexer, '():"')
  const filter = take(lexer, ':') ? readField(parser, fieldOfName(parser, text, start)) : anyField(parser, text, start)
  if (!text.quoted) parser.words.push({ start, end: lexer.position })
  return filter
}

function anyField(parser: Parser, text: Text, start: number): Filter {
  countTerm(parser, start)
  return leafOfText(parser.lexer, null, text)
}

/** What follows `field:`. */
function readField(parser: Parser, field: Field): Filter {
  if (atSpaceOrEnd(parser.lexer)) fail(parser.lexer, 'a value right after the colon')
  return peek(parser.lexer) === '(' ? readGroup(parser, field) : readFieldValue(parser, field)
}

function fieldOfName(parser: Parser, text: Text, start: number): Field {
  if (!text.quoted && hasWildcard(text)) fail(parser.lexer, 'a field name without wildcards (put text in quotes)', start)
  const name = literalOf(text)
  if (name === '') fail(parser.lexer, 'a field name before the colon', start)
  return resolveField(name)
}

function readGroup(parser: Parser, field: Field | null): Filter {
  const { lexer } = parser
  if (parser.depth === queryDepthMax) fail(lexer, `at most ${queryDepthMax} parentheses within each other`)
  parser.depth++
  lexer.position++
  const filter = readOr(parser, field)
  if (!take(lexer, ')')) fail(lexer, 'a closing parenthesis )')
  parser.depth--
  return filter
}

function takeOperator(parser: Parser, operator: string): boolean {
  skipSpaces(parser.lexer)
  if (!isOperator(parser, operator)) return false
  parser.lexer.position += operator.length
  return true
}

/** An operator stands alone: white space, a parenthesis, a quote or the end follows. */
function isOperator(parser: Parser, operator: string): boolean {
  const { text, position } = parser.lexer
  return text.startsWith(operator, position) && /[\s()"]|^$/.test(text[position + operator.length] ?? '')
}
