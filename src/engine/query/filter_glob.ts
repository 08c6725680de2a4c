import { fold } from '../encode/tokens.ts'
import type { GlobPart } from './ast.ts'
import type { Matcher } from './matcher.ts'
import { caselessPattern, isAscii, longestAsciiRun, needleOfAny, wholeTokens } from './text_pattern.ts'

/** What stands between two stars: literals and single-character wildcards. */
type Segment = readonly (string | null)[]

/** Wildcards over the whole value, caseless: `*` any run of characters, `?` one code point. */
export function globMatcher(parts: readonly GlobPart[]): Matcher {
  const literals = parts.flatMap((part) => (typeof part === 'string' ? [] : [fold(part.literal)]))
  const longest = literals.reduce((best, literal) => (longestAsciiRun(literal).length > longestAsciiRun(best).length ? literal : best), '')
  const tokens = parts.flatMap((part, i) => (typeof part === 'string' ? [] : wholeTokens(part.literal, i > 0, i < parts.length - 1)))
  const segments = segmentsOf(parts)
  const isSurrounded = parts.length === 3 && parts[0] === '*' && parts[2] === '*' && longest !== '' && isAscii(longest)
  return {
    tokens: [tokens],
    scalars: true,
    numbers: { min: -Infinity, max: Infinity, sure: false },
    needle: isSurrounded
      ? { pattern: caselessPattern(longest, 'gi'), length: longest.length, sure: true, wordStart: false, wordEnd: false }
      : needleOfAny([longest]),
    text: (value) => matches(fold(value), segments),
    scalar: (value) => matches(String(value), segments),
  }
}

/** Does the pattern match the whole text, whatever the case? */
export function matchesGlob(text: string, parts: readonly GlobPart[]): boolean {
  return matches(fold(text), segmentsOf(parts))
}

function segmentsOf(parts: readonly GlobPart[]): Segment[] {
  const segments: (string | null)[][] = [[]]
  for (const part of parts) {
    if (part === '*') segments.push([])
    else segments.at(-1)?.push(part === '?' ? null : fold(part.literal))
  }
  return segments
}

/** The first and last segment are fixed to the ends; those between go as far left as they can. No backtracking. */
function matches(text: string, segments: readonly Segment[]): boolean {
  let at = stepOver(text, 0, segments[0] ?? [])
  if (segments.length === 1) return at === text.length
  for (const segment of segments.slice(1, -1)) {
    if (at < 0) return false
    at = find(text, at, segment)
  }
  return at >= 0 && stepBack(text, text.length, segments.at(-1) ?? []) >= at
}

/** End of the leftmost occurrence at or after `from`, or -1. */
function find(text: string, from: number, segment: Segment): number {
  const [first] = segment
  if (first === undefined) return from
  for (let start = from; start <= text.length; start++) {
    if (first !== null) start = text.indexOf(first, start)
    if (start < 0) return -1
    const end = isInsidePair(text, start) ? -1 : stepOver(text, start, segment)
    if (end >= 0) return end
  }
  return -1
}

/** Where the segment ends that starts at `at`, or -1 when it does not stand there. */
function stepOver(text: string, at: number, segment: Segment): number {
  let end = at
  for (const part of segment) {
    if (part === null) {
      if (end >= text.length) return -1
      end += isInsidePair(text, end + 1) ? 2 : 1
    } else {
      if (!text.startsWith(part, end)) return -1
      end += part.length
    }
  }
  return end
}

/** Where the segment starts that ends at `end`, or -1 when it does not stand there. */
function stepBack(text: string, end: number, segment: Segment): number {
  let start = end
  for (const part of segment.toReversed()) {
    if (part === null) {
      if (start <= 0) return -1
      start -= isInsidePair(text, start - 1) ? 2 : 1
    } else {
      if (!text.endsWith(part, start)) return -1
      start -= part.length
    }
  }
  return start
}

/** Is `index` between the two halves of a surrogate pair? */
function isInsidePair(text: string, index: number): boolean {
  return (text.charCodeAt(index) & 0xfc00) === 0xdc00 && (text.charCodeAt(index - 1) & 0xfc00) === 0xd800
}
