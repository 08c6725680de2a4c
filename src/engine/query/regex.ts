import { RE2JS } from 're2js'
import { regexBlockWorkMax, regexCharsMax, regexProgramMax, regexUnrolledMax } from '../../core/limits.ts'
import { fail } from './lexer.ts'
import type { Lexer } from './lexer.ts'
import { QueryTooSlowError } from './query_error.ts'

/** ASCII letters that Unicode folds these two to; here nothing beyond ASCII ever equals ASCII. */
const foldsToAscii = /[\u017f\u212a]/g

/** Throws `QueryError` when the pattern is not RE2 syntax or would take too much time to match. */
export function checkRegex(lexer: Lexer, pattern: string, position: number): void {
  if (pattern.length > regexCharsMax) fail(lexer, `a regular expression of at most ${regexCharsMax} characters`, position)
  if (unrolledLength(pattern) > regexUnrolledMax) fail(lexer, 'fewer or smaller repeat counts in the regular expression', position)
  if (compile(lexer, pattern, position).programSize() > regexProgramMax)
    fail(lexer, 'a smaller regular expression (mind its repeat counts)', position)
}

/** Work, in units of `Matcher.worked`, for each character, also by the size of the program, and for each new state. */
const characterWork = 8
const instructionWork = 1 / 4
const stateWork = 40_000

/**
 * Test whether a text contains a match, caseless unless the pattern says (?-i). Linear time in the text, but a thousand
 * times slower where almost every character leads to a state not met before: so `worked` counts states, and `begin`
 * starts a share of work beyond which `test` throws `QueryTooSlowError`.
 */
export function regexTest(pattern: string): { test(text: string): boolean; worked(): number; begin(): void } {
  const regex = RE2JS.compile(pattern, RE2JS.CASE_INSENSITIVE)
  const automaton = regex.re2Input.dfa as { stateCount: number }
  const weight = characterWork + regex.programSize() * instructionWork
  let work = 0
  let workMax = Infinity
  return {
    test(text) {
      const before = automaton.stateCount
      const isMatch = regex.test(foldsToAscii.test(text) ? text.replace(foldsToAscii, '\ufffd') : text)
      // A full memory of states is emptied, so the count may also fall.
      const added = automaton.stateCount - before
      work += text.length * weight + (added < 0 ? automaton.stateCount : added) * stateWork
      if (work > workMax) throw new QueryTooSlowError()
      return isMatch
    },
    worked: () => work,
    begin() {
      workMax = work + regexBlockWorkMax
    },
  }
}

/**
 * Literals of which every text that matches has at least one, in any case; undefined when nothing is known. They come
 * from the compiled pattern's own pre-filter: that of the case-sensitive form, since the caseless one keeps none.
 */
export function requiredLiterals(pattern: string): string[] | undefined {
  return bestLiterals(RE2JS.compile(pattern).re2Input.prefilter as Prefilter | null)
}

/** As re2js 2.10 builds it: 1 one literal, 2 all of, 3 one of. Any other shape says nothing. */
interface Prefilter {
  type: number
  str: string
  subs: Prefilter[]
}

function bestLiterals(prefilter: Prefilter | null): string[] | undefined {
  if (prefilter === null) return undefined
  const subs = prefilter.type === 2 || prefilter.type === 3 ? prefilter.subs.map(bestLiterals) : []
  if (prefilter.type === 1) return [prefilter.str]
  if (prefilter.type === 3) return subs.includes(undefined) ? undefined : subs.flatMap((literals) => literals ?? [])
  return subs.reduce((best, literals) => (shortest(literals) > shortest(best) ? literals : best), undefined)
}

function shortest(literals: readonly string[] | undefined): number {
  return literals === undefined ? 0 : Math.min(...literals.map(({ length }) => length))
}

function compile(lexer: Lexer, pattern: string, position: number): RE2JS {
  try {
    return RE2JS.compile(pattern, RE2JS.CASE_INSENSITIVE)
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^error parsing regexp: /, '') : 'it is malformed'
    return fail(lexer, `a regular expression in RE2 syntax (${reason})`, position)
  }
}

/** Upper bound of the characters that the pattern has once counted repeats are written out; re2js allows 1,000 copies. */
function unrolledLength(pattern: string): number {
  let copies = 1
  for (const [, min = '0', max = '0'] of pattern.matchAll(/\{(\d{1,4})(?:,(\d{0,4}))?\}/g)) copies *= Math.max(1, Number(min), Number(max))
  return pattern.length * Math.min(copies, 1000)
}
