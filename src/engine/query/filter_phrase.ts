import { fold, isTokenChar, tokenize } from '../encode/tokens.ts'
import type { Matcher } from './matcher.ts'
import { mayBeScalar, numbersOfText } from './matcher.ts'
import { caselessPattern, codePointBefore, endsWithToken, isAscii, startsWithToken } from './text_pattern.ts'

/**
 * A word or phrase: the folded value contains the folded text, and where the text begins or ends with a token character
 * the value has a token boundary there. A number or boolean matches when its canonical text is the whole term.
 */
export function phraseMatcher(text: string): Matcher {
  const folded = fold(text)
  const wordStart = startsWithToken(folded)
  const wordEnd = endsWithToken(folded)
  return {
    tokens: [tokenize(folded)],
    scalars: mayBeScalar(folded),
    numbers: numbersOfText(folded),
    needle: isAscii(folded) ? { pattern: caselessPattern(folded, 'gi'), length: folded.length, sure: true, wordStart, wordEnd } : undefined,
    text: containsWord(folded, wordStart, wordEnd),
    scalar: (value) => String(value) === folded,
  }
}

/** Test for a text that contains the folded `needle` with the token boundaries asked for. */
export function containsWord(needle: string, wordStart: boolean, wordEnd: boolean): (value: string) => boolean {
  const pattern = isAscii(needle) ? caselessPattern(needle, 'gi') : undefined
  return (value) => {
    const text = pattern === undefined ? fold(value) : value
    for (let at = find(text, needle, pattern, 0); at >= 0; at = find(text, needle, pattern, at + 1)) {
      const end = at + needle.length
      const free = !wordStart || at === 0 || !isTokenChar(codePointBefore(text, at))
      if (free && (!wordEnd || end === text.length || !isTokenChar(text.codePointAt(end) ?? 0))) return true
    }
    return false
  }
}

function find(text: string, needle: string, pattern: RegExp | undefined, from: number): number {
  if (pattern === undefined) return text.indexOf(needle, from)
  pattern.lastIndex = from
  return pattern.test(text) ? pattern.lastIndex - needle.length : -1
}
