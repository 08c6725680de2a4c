import type { Filter } from './ast.ts'
import { peek, readQuoted } from './lexer.ts'
import { parseQuery, readQuery } from './parser.ts'
import { QueryError } from './query_error.ts'

/** A part of a query that has the form of a condition in other query languages, and that this one takes as text. */
export interface QueryHint {
  /** Index of its first character (UTF-16). */
  position: number
  /** A sentence for the person who typed it. */
  message: string
  /** The condition as this language writes it. */
  suggestion: string
}

/** One mistake of habit is often made throughout a query; more hints than these tell nothing new. */
const queryHintsMax = 8

/** name, operator and value without white space, and what a selector such as {app="web",level!="info"} puts around them. */
const form = /^[{,]?((?:[\p{L}\p{N}_.@$/-]*[\p{L}\p{N}_])?)(==|=~|!~|!=|>=|<=|=|>|<)([^=~<>!:,()[\]{}].*?)[},]?$/su
const nameStart = /^[\p{L}_@$]/u

/**
 * Words such as status>=500, level=error or {app="web"}, which are looked for as they stand: logs have such texts too, so they are
 * no errors. None for a word whose suggestion would be no condition on a field, as in a->b. Throws `QueryError` as `parseQuery` does.
 */
export function queryHints(text: string): QueryHint[] {
  const { lexer, words } = readQuery(text)
  const hints: QueryHint[] = []
  for (const { start, end } of words) {
    if (hints.length === queryHintsMax) break
    const word = lexer.text.slice(start, endOf(lexer.text, end))
    const suggestion = suggestionFor(word)
    if (suggestion === undefined) continue
    hints.push({ position: start, message: `${word} is looked for as text. For a condition on the field write ${suggestion}`, suggestion })
  }
  return hints
}

/** The end of a word, with the quoted text right behind an operator that ends it: to the parser that is another term. */
function endOf(text: string, end: number): number {
  const lexer = { text, position: end }
  if (peek(lexer) === '"' && /[=~<>]/.test(text[end - 1] ?? '')) readQuoted(lexer)
  return lexer.position
}

function suggestionFor(word: string): string | undefined {
  const [, name, operator, value] = form.exec(word) ?? []
  if (name === undefined || operator === undefined || value === undefined || !nameStart.test(name)) return undefined
  const quoted = inDoubleQuotes(value)
  if (quoted.startsWith("'")) return undefined
  const suggestion = `${operator.startsWith('!') ? '-' : ''}${name}:${signOf(operator)}${quoted}`
  return isCondition(suggestion, /[<>]/.test(operator)) ? suggestion : undefined
}

/** What stands between colon and value for an operator of other languages. */
function signOf(operator: string): string {
  if (operator.endsWith('~')) return '~'
  return /[<>]/.test(operator) ? operator : ''
}

function inDoubleQuotes(value: string): string {
  return value.replace(/^'([^'"\\]+)'$/, '"$1"')
}

/** Texts with < and > are mostly no comparisons (List<String>), so those count only with numbers, times and severities. */
function isCondition(suggestion: string, isComparison: boolean): boolean {
  const filter = filterOf(suggestion)
  if (filter === undefined || filter.kind === 'and' || filter.kind === 'or') return false
  if (!isComparison || filter.kind === 'time' || filter.kind === 'severity') return true
  return filter.kind === 'compare' && typeof (filter.min ?? filter.max)?.value !== 'string'
}

/** Undefined when it is no query; such a suggestion is not made. */
function filterOf(suggestion: string): Filter | undefined {
  try {
    return parseQuery(suggestion)
  } catch (error) {
    if (error instanceof QueryError) return undefined
    throw error
  }
}
