import { fold } from '../encode/tokens.ts'
import { containsWord } from './filter_phrase.ts'
import type { Matcher } from './matcher.ts'
import { mayBeScalar } from './matcher.ts'
import { caselessPattern, isAscii } from './text_pattern.ts'

/** `word*`: a token of the value starts with the text, or the canonical text of a number or boolean does. */
export function prefixMatcher(text: string): Matcher {
  const folded = fold(text)
  const needle = isAscii(folded)
    ? { pattern: caselessPattern(folded, 'gi'), length: folded.length, sure: true, wordStart: true, wordEnd: false }
    : undefined
  return {
    tokens: [[]],
    scalars: mayBeScalar(folded),
    // What starts with a digit has no minus sign.
    numbers: /^\d/.test(folded) ? { min: 0, max: Infinity, sure: false } : null,
    needle,
    text: containsWord(folded, true, false),
    scalar: (value) => String(value).startsWith(folded),
  }
}
