import { statsFunctionsMax } from '../../core/limits.ts'
import type { Field } from './ast.ts'
import { resolveField } from './fields.ts'
import type { Lexer } from './lexer.ts'
import { fail, literalOf, peek, readQuoted, readWord, skipSpaces, take } from './lexer.ts'
import type { StatsFunction } from './stats_types.ts'

const names = 'count, count_distinct, sum, avg, min, max or a percentile such as p99'
const percentileName = /^p(\d{1,2}(?:\.\d{1,2})?)$/

/**
 * Reads `count(), p99(duration), count_distinct("user id")`. Each function carries its canonical text; one that stands twice is read once.
 * Throws QueryError, which says where the text is wrong.
 */
export function parseStats(text: string): StatsFunction[] {
  const lexer: Lexer = { text, position: 0 }
  const functions = new Map<string, StatsFunction>()
  do {
    skipSpaces(lexer)
    const start = lexer.position
    const each = readFunction(lexer)
    functions.set(each.text, each)
    if (functions.size > statsFunctionsMax) fail(lexer, `at most ${statsFunctionsMax} functions`, start)
    skipSpaces(lexer)
  } while (take(lexer, ','))
  if (peek(lexer) !== '') fail(lexer, 'a comma or the end')
  return [...functions.values()]
}

function readFunction(lexer: Lexer): StatsFunction {
  const start = lexer.position
  const name = literalOf(readWord(lexer, '(),"'))
  const percentile = percentileOf(lexer, name, start)
  if (percentile === undefined && !isPlainName(name)) fail(lexer, names, start)
  skipSpaces(lexer)
  if (!take(lexer, '(')) fail(lexer, `( after ${name}`)
  const fieldStart = skipped(lexer)
  const field = peek(lexer) === '"' ? literalOf(readQuoted(lexer)) : literalOf(readWord(lexer, '(),"'))
  skipSpaces(lexer)
  if (!take(lexer, ')')) fail(lexer, field === '' ? 'a field' : `) after the field`)
  const text = `${name}(${fieldText(field)})`
  if (name === 'count') return { name, field: field === '' ? null : field, text }
  if (field === '') fail(lexer, 'a field', fieldStart)
  checkField(lexer, { name, field, start: fieldStart })
  return percentile === undefined ? { name: name as 'sum', field, text } : { name: 'percentile', field, percentile, text }
}

function isPlainName(name: string): boolean {
  return ['count', 'count_distinct', 'sum', 'avg', 'min', 'max'].includes(name)
}

/** Undefined when the name is none of a percentile. */
function percentileOf(lexer: Lexer, name: string, start: number): number | undefined {
  if (!/^p-?\d/.test(name)) return undefined
  const percentile = Number(percentileName.exec(name)?.[1])
  if (!(percentile > 0 && percentile < 100)) fail(lexer, 'a percentile above p0 and below p100, with two decimals at most', start)
  return percentile
}

function skipped(lexer: Lexer): number {
  skipSpaces(lexer)
  return lexer.position
}

/** Times and severities have a least and a greatest, but no sum; message and source are text. */
function checkField(lexer: Lexer, { name, field, start }: { name: string; field: string; start: number }): void {
  const resolved: Field = resolveField(field)
  if ('attribute' in resolved || name === 'count_distinct') return
  const isText = resolved.system === 'message' || resolved.system === 'source'
  if (isText || (name !== 'min' && name !== 'max')) fail(lexer, `a field of numbers for ${name}`, start)
}

/** As it can be typed again. */
function fieldText(field: string): string {
  return /^[^\s"\\(),]*$/.test(field) ? field : `"${field.replace(/["\\]/g, '\\$&')}"`
}
