import { problem } from '../core/problems.ts'

/**
 * Calls `visit` with the bounds of each element of the JSON array that begins at `start`. Elements are found by counting
 * brackets outside of strings, so that a body of 32 MiB never becomes objects all at once; whoever parses them checks
 * their syntax. Throws a ProblemError when the array itself is malformed or something follows it.
 */
export function splitArray(bytes: Uint8Array, start: number, visit: (from: number, to: number) => void): void {
  let at = skipSpace(bytes, start + 1)
  if (bytes[at] !== closeBracket) {
    for (;;) {
      const end = elementEnd(bytes, at)
      if (end === at) throw malformed(bytes, at)
      visit(at, end)
      at = skipSpace(bytes, end)
      if (bytes[at] === closeBracket) break
      if (bytes[at] !== comma) throw malformed(bytes, at)
      at = skipSpace(bytes, at + 1)
    }
  }
  at = skipSpace(bytes, at + 1)
  if (at < bytes.length) throw problem('malformed_json', `The body goes on behind the end of the array, at byte ${at}.`)
}

const quote = 0x22
const comma = 0x2c
const openBracket = 0x5b
const backslash = 0x5c
const closeBracket = 0x5d
const openBrace = 0x7b
const closeBrace = 0x7d

/** Index behind the element at `start`; `start` itself when there is none. */
function elementEnd(bytes: Uint8Array, start: number): number {
  let depth = 0
  for (let at = start; at < bytes.length; at++) {
    const byte = bytes[at]!
    if (byte === quote) {
      at = stringEnd(bytes, at)
      if (depth === 0) return at + 1
    } else if (byte === openBrace || byte === openBracket) depth += 1
    else if (byte === closeBrace || byte === closeBracket) {
      // The array's own end, behind a number or a word.
      if (depth === 0) return at
      depth -= 1
      if (depth === 0) return at + 1
    } else if (depth === 0 && (byte === comma || byte <= 0x20)) return at
  }
  throw malformed(bytes, bytes.length)
}

/** Index of the closing quote. */
function stringEnd(bytes: Uint8Array, start: number): number {
  for (let at = start + 1; at < bytes.length; at++) {
    const byte = bytes[at]!
    if (byte === quote) return at
    if (byte === backslash) at += 1
  }
  throw malformed(bytes, bytes.length)
}

function skipSpace(bytes: Uint8Array, start: number): number {
  let at = start
  while (at < bytes.length && (bytes[at] === 0x20 || bytes[at] === 0x0a || bytes[at] === 0x0d || bytes[at] === 0x09)) at++
  return at
}

function malformed(bytes: Uint8Array, at: number) {
  const where = at >= bytes.length ? 'it ends before the array does' : `unexpected character at byte ${at}`
  return problem('malformed_json', `The body is not a valid JSON array: ${where}.`)
}
