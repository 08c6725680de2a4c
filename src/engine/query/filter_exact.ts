import { tokenize } from '../encode/tokens.ts'
import type { Matcher } from './matcher.ts'
import { mayBeScalar, numbersOfText } from './matcher.ts'
import { needleOfAny } from './text_pattern.ts'

/** `=value`: the whole value, case-sensitive; for numbers and booleans their canonical text. */
export function exactMatcher(text: string): Matcher {
  return {
    tokens: [tokenize(text)],
    scalars: text !== '' && mayBeScalar(text),
    numbers: numbersOfText(text),
    needle: needleOfAny([text]),
    text: (value) => value === text,
    scalar: (value) => String(value) === text,
  }
}
