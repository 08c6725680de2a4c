import type { Matcher } from './matcher.ts'
import { regexTest, requiredLiterals } from './regex.ts'
import { isAscii, needleOfAny, wholeTokens } from './text_pattern.ts'

/** A regular expression (RE2, caseless) that matches somewhere in the value, or in a number's canonical text. */
export function regexMatcher(pattern: string): Matcher {
  const { test, worked, begin } = regexTest(pattern)
  const literals = requiredLiterals(pattern)
  return {
    tokens: literals?.map((literal) => wholeTokens(literal, true, true).filter(isAscii)) ?? [[]],
    scalars: true,
    numbers: { min: -Infinity, max: Infinity, sure: false },
    needle: literals && needleOfAny(literals),
    text: test,
    worked,
    begin,
    scalar: (value) => test(String(value)),
  }
}
