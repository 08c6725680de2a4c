/** For each character below 0x80: its folded code when it is a token character, else 0. Shared by text and byte paths. */
export const asciiTokenCodes = Uint8Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code)
  return /\w/.test(character) ? character.toLowerCase().charCodeAt(0) : 0
})

const tokenPoint = /^[\p{L}\p{N}\p{M}]$/u
const tokenRuns = /(?:\w|(?![\0-\x7f])[\p{L}\p{N}\p{M}])+/gu
const foldable = /[A-Z]+|[^\0-\x7f]/gu
const nonAscii = /[^\0-\x7f]/
const ascii = /[\0-\x7f]/

/** Token characters: ASCII letters, digits and `_`; beyond ASCII letters, numbers and marks of Unicode. */
export function isTokenChar(codePoint: number): boolean {
  return codePoint < 0x80 ? asciiTokenCodes[codePoint] !== 0 : tokenPoint.test(String.fromCodePoint(codePoint))
}

/**
 * Lower case, character by character and free of context, so that a part of a text folds as the whole does. What is
 * beyond ASCII never becomes ASCII (the Kelvin sign stays); the count of UTF-16 units stays the same.
 */
export function fold(text: string): string {
  return nonAscii.test(text) ? text.replace(foldable, foldPart) : text.toLowerCase()
}

/** Maximal runs of token characters, folded, in order, repeats included. */
export function tokenize(text: string): string[] {
  return fold(text).match(tokenRuns) ?? []
}

function foldPart(part: string): string {
  const lower = part.toLowerCase()
  return nonAscii.test(part) && ascii.test(lower) ? part : lower
}
