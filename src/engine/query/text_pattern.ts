import { isTokenChar, tokenize } from '../encode/tokens.ts'
import type { Needle } from './matcher.ts'

const asciiRuns = /[\0-\x7f]+/g

/** Matches the ASCII text in any case and nothing else: without the `u` flag no other character folds to ASCII. */
export function caselessPattern(ascii: string, flags: 'i' | 'gi'): RegExp {
  return new RegExp(ascii.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'), flags)
}

export function isAscii(text: string): boolean {
  return !/[^\0-\x7f]/.test(text)
}

/** The longest run of ASCII characters; '' when there is none. */
export function longestAsciiRun(text: string): string {
  return (text.match(asciiRuns) ?? []).reduce((longest, run) => (run.length > longest.length ? run : longest), '')
}

/** A filter before the real test: text that has none of `literals` cannot match. Undefined when one has no ASCII part. */
export function needleOfAny(literals: readonly string[]): Needle | undefined {
  const runs = literals.map(longestAsciiRun)
  const [first] = runs
  if (first === undefined || runs.includes('')) return undefined
  if (runs.length === 1)
    return { pattern: caselessPattern(first, 'gi'), length: first.length, sure: false, wordStart: false, wordEnd: false }
  const pattern = new RegExp(runs.map((run) => caselessPattern(run, 'i').source).join('|'), 'gi')
  return { pattern, length: undefined, sure: false, wordStart: false, wordEnd: false }
}

/**
 * The tokens of `literal` that are whole tokens of any text that contains it. At an open end more characters may follow,
 * so a token that touches it may be longer in the text.
 */
export function wholeTokens(literal: string, openStart: boolean, openEnd: boolean): string[] {
  const tokens = tokenize(literal)
  if (openStart && startsWithToken(literal)) tokens.shift()
  if (openEnd && endsWithToken(literal)) tokens.pop()
  return tokens
}

export function startsWithToken(text: string): boolean {
  return text !== '' && isTokenChar(text.codePointAt(0) ?? 0)
}

export function endsWithToken(text: string): boolean {
  return text !== '' && isTokenChar(codePointBefore(text, text.length))
}

/** The code point that ends at UTF-16 index `end`, which is above 0. */
export function codePointBefore(text: string, end: number): number {
  const low = text.charCodeAt(end - 1)
  const isPair = low >= 0xdc00 && low <= 0xdfff && end > 1
  const point = isPair ? (text.codePointAt(end - 2) ?? 0) : low
  return point > 0xffff ? point : low
}
