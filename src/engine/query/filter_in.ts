import { fold, tokenize } from '../encode/tokens.ts'
import type { Matcher } from './matcher.ts'
import { mayBeScalar, numbersOfText } from './matcher.ts'
import { needleOfAny } from './text_pattern.ts'

/** `in(a, b)`: the whole value is one of the texts, caseless; for numbers and booleans their canonical text. */
export function inMatcher(texts: readonly string[]): Matcher {
  const folded = new Set(texts.map(fold))
  const numbers = Array.from(folded).flatMap((text) => numbersOfText(text)?.min ?? [])
  return {
    tokens: Array.from(folded, tokenize),
    scalars: Array.from(folded).some(mayBeScalar),
    numbers: numbers.length === 0 ? null : { min: Math.min(...numbers), max: Math.max(...numbers), sure: numbers.length === 1 },
    needle: needleOfAny(Array.from(folded)),
    text: (value) => folded.has(fold(value)),
    scalar: (value) => folded.has(String(value)),
  }
}
