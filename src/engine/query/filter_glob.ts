import { fold } from '../encode/tokens.ts'
import type { GlobPart } from './ast.ts'
import type { Finder, Segment } from './glob_finder.ts'
import { finderOf, stepBack, stepOver } from './glob_finder.ts'
import type { Matcher } from './matcher.ts'
import { caselessPattern, isAscii, longestAsciiRun, needleOfAny, wholeTokens } from './text_pattern.ts'

/** A pattern cut at its stars; `tail` is undefined when it has none. */
interface Glob {
  head: Segment
  middle: readonly Finder[]
  tail: Segment | undefined
}

/** Work for each character of a value: folding and searching it, and more for a long pattern. */
const workPerUnit = 4

/** Wildcards over the whole value, caseless: `*` any run of characters, `?` one code point. */
export function globMatcher(parts: readonly GlobPart[]): Matcher {
  const literals = parts.flatMap((part) => (typeof part === 'string' ? [] : [fold(part.literal)]))
  const longest = literals.reduce((best, literal) => (longestAsciiRun(literal).length > longestAsciiRun(best).length ? literal : best), '')
  const tokens = parts.flatMap((part, i) => (typeof part === 'string' ? [] : wholeTokens(part.literal, i > 0, i < parts.length - 1)))
  const glob = globOf(parts)
  const weight = workPerUnit + Math.ceil(literals.join('').length / 32)
  let work = 0
  const isSurrounded = parts.length === 3 && parts[0] === '*' && parts[2] === '*' && longest !== '' && isAscii(longest)
  return {
    tokens: [tokens],
    scalars: true,
    numbers: { min: -Infinity, max: Infinity, sure: false },
    needle: isSurrounded
      ? { pattern: caselessPattern(longest, 'gi'), length: longest.length, sure: true, wordStart: false, wordEnd: false }
      : needleOfAny([longest]),
    text: (value) => {
      work += value.length * weight
      return matches(fold(value), glob)
    },
    worked: () => work,
    scalar: (value) => matches(String(value), glob),
  }
}

/** Does the pattern match the whole text, whatever the case? */
export function matchesGlob(text: string, parts: readonly GlobPart[]): boolean {
  return matches(fold(text), globOf(parts))
}

function globOf(parts: readonly GlobPart[]): Glob {
  const segments: (string | null)[][] = [[]]
  for (const part of parts) {
    if (part === '*') segments.push([])
    else segments.at(-1)?.push(part === '?' ? null : fold(part.literal))
  }
  const middle = segments.slice(1, -1).filter((segment) => segment.length > 0)
  return { head: segments[0] ?? [], middle: middle.map(finderOf), tail: segments.length === 1 ? undefined : segments.at(-1) }
}

/** The first and last segment are fixed to the ends; those between go as far left as they can. No backtracking. */
function matches(text: string, { head, middle, tail }: Glob): boolean {
  let at = stepOver(text, 0, head)
  if (tail === undefined) return at === text.length
  for (const find of middle) {
    if (at < 0) return false
    at = find(text, at)
  }
  return at >= 0 && stepBack(text, text.length, tail) >= at
}
