import type { AttributeValue } from '../row.ts'

/**
 * A condition on one value, with what lets it skip values unread. `text` and `scalar` alone say what matches; all else
 * may only rule out what they would refuse.
 */
export interface Matcher {
  /** A text that matches (of a number: its canonical text) has all tokens of one of these lists; an empty list rules nothing out. */
  readonly tokens: readonly (readonly string[])[]
  /** False when no number, big integer or boolean can match. */
  readonly scalars: boolean
  /** Numbers that match lie in [min, max], and when `sure` all there do; null when none matches. */
  readonly numbers: { min: number; max: number; sure: boolean } | null
  readonly needle?: Needle | undefined
  text(value: string): boolean
  /** What `text` has cost so far, where that is much: a unit takes about as long as decompressing a byte. */
  worked?: () => number
  /** Starts a block: from here on `text` may do a block's worth of work, then it throws `QueryTooSlowError`. */
  begin?: () => void
  scalar(value: number | bigint | boolean): boolean
}

/** ASCII text in any case that every matching text contains. */
export interface Needle {
  /** Flags gi. */
  readonly pattern: RegExp
  /** Length of what the pattern matches; undefined when it varies. */
  readonly length: number | undefined
  /** True when an occurrence that passes the two boundary tests is a match; else `Matcher.text` decides. */
  readonly sure: boolean
  /** No token character may stand right before (right after) an occurrence. */
  readonly wordStart: boolean
  readonly wordEnd: boolean
}

export function matchesValue(matcher: Matcher, value: AttributeValue): boolean {
  return typeof value === 'string' ? matcher.text(value) : matcher.scalars && matcher.scalar(value)
}

/** `Matcher.numbers` for the one number whose canonical text this is. */
export function numbersOfText(text: string): Matcher['numbers'] {
  const number = Number(text)
  return String(number) === text && Number.isFinite(number) ? { min: number, max: number, sure: true } : null
}

/** Can the canonical text of a number, big integer or boolean start like this? */
export function mayBeScalar(folded: string): boolean {
  return /^-?\d/.test(folded) || 'true'.startsWith(folded) || 'false'.startsWith(folded)
}
