/** What stands between two stars: folded literals, and null for a single-character wildcard. */
export type Segment = readonly (string | null)[]

/** Answers the end of the leftmost occurrence that begins at or after `from`, or -1. */
export type Finder = (text: string, from: number) => number

/** Finds a segment anywhere. Time in proportion to the text, and for a segment with inner wildcards to its length / 32. */
export function finderOf(segment: Segment): Finder {
  const first = segment.findIndex((part) => part !== null)
  if (first < 0) return (text, from) => stepOver(text, from, segment)
  const last = segment.findLastIndex((part) => part !== null)
  const before = segment.slice(0, first)
  const after = segment.slice(last + 1)
  const core = segment.slice(first, last + 1)
  const literal = core[0] ?? ''
  const find = core.length === 1 ? (text: string, from: number) => endOfLiteral(text, from, literal) : wildcardFinder(core, literal)
  return (text, from) => {
    const start = stepOver(text, from, before)
    const end = start < 0 ? -1 : find(text, start)
    return end < 0 ? -1 : stepOver(text, end, after)
  }
}

/** Where the segment ends that starts at `at`, or -1 when it does not stand there. */
export function stepOver(text: string, at: number, segment: Segment): number {
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
export function stepBack(text: string, end: number, segment: Segment): number {
  let start = end
  for (let i = segment.length - 1; i >= 0; i--) {
    const part = segment[i]
    if (part === null || part === undefined) {
      if (start <= 0) return -1
      start -= isInsidePair(text, start - 1) ? 2 : 1
    } else {
      if (!text.endsWith(part, start)) return -1
      start -= part.length
    }
  }
  return start
}

function endOfLiteral(text: string, from: number, literal: string): number {
  let start = text.indexOf(literal, from)
  while (start >= 0 && isInsidePair(text, start)) start = text.indexOf(literal, start + 1)
  return start < 0 ? -1 : start + literal.length
}

/**
 * Follows all starts at once, a bit each (Shift-And): bit i is set while the code points read so far end with the first
 * i + 1 of the segment. Trying one start after the other takes quadratic time on text such as `aaaa`.
 */
function wildcardFinder(core: Segment, literal: string): Finder {
  const wanted = core.flatMap((part) => (part === null ? [null] : Array.from(part, (character) => character.codePointAt(0) ?? 0)))
  const words = Math.ceil(wanted.length / 32)
  const others = new Uint32Array(words)
  const known = new Map<number, Uint32Array>()
  for (const [i, point] of wanted.entries()) if (point === null) setBit(others, i)
  for (const [i, point] of wanted.entries()) {
    if (point === null) continue
    const mask = known.get(point) ?? others.slice()
    setBit(mask, i)
    known.set(point, mask)
  }
  const lastBit = 1 << ((wanted.length - 1) & 31)
  return (text, from) => {
    let at = text.indexOf(literal, from)
    if (at < 0) return -1
    const state = new Uint32Array(words)
    while (at < text.length) {
      const point = text.codePointAt(at) ?? 0
      at += point > 0xffff ? 2 : 1
      const mask = known.get(point) ?? others
      let carry = 1
      for (let word = 0; word < words; word++) {
        const old = state[word]!
        state[word] = ((old << 1) | carry) & mask[word]!
        carry = old >>> 31
      }
      if ((state[words - 1]! & lastBit) !== 0) return at
    }
    return -1
  }
}

function setBit(bits: Uint32Array, index: number): void {
  bits[index >>> 5]! |= 1 << (index & 31)
}

/** Is `index` between the two halves of a surrogate pair? */
function isInsidePair(text: string, index: number): boolean {
  return (text.charCodeAt(index) & 0xfc00) === 0xdc00 && (text.charCodeAt(index - 1) & 0xfc00) === 0xd800
}
