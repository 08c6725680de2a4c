import { Buffer } from 'node:buffer'
import type { Bitmap } from '../bitmap.ts'
import { bitmapHas, bitmapSet } from '../bitmap.ts'
import type { TextPage } from '../block/types.ts'
import { asciiTokenCodes, isTokenChar } from '../encode/tokens.ts'
import type { Matcher, Needle } from './matcher.ts'

/** Below this share of wanted values it is cheaper to test them one by one than to scan the whole page. */
const scanShareMin = 1 / 16

/** A page being scanned. The values i with `wanted` rows are tested. */
interface Scan {
  page: TextPage
  bytes: Buffer
  /** The bytes as characters 0 to 255: positions are byte offsets. */
  latin1: string
  rows: Uint32Array | undefined
  candidates: Bitmap
  selected: Bitmap
}

/** Adds the candidates whose text matches. `rows` has the row of each value of the page; undefined: first, first + 1, ... */
export function scanTextPage(page: TextPage, matcher: Matcher, rows: Uint32Array | undefined, candidates: Bitmap, selected: Bitmap): void {
  const wanted = countWanted(page, rows, candidates)
  if (wanted === 0) return
  const bytes = Buffer.from(page.bytes.buffer, page.bytes.byteOffset, page.bytes.length)
  const { needle } = matcher
  if (needle !== undefined && wanted >= page.count * scanShareMin) {
    const scan = { page, bytes, latin1: bytes.toString('latin1'), rows, candidates, selected }
    return needle.length === undefined ? scanAlternatives(scan, needle.pattern, matcher) : scanLiteral(scan, needle, needle.length, matcher)
  }
  testEach({ page, bytes, latin1: wanted * 4 >= page.count ? bytes.toString('latin1') : '', rows, candidates, selected }, matcher)
}

/** Jumps from occurrence to occurrence of a literal, and over values that need no test. */
function scanLiteral(scan: Scan, needle: Needle, length: number, matcher: Matcher): void {
  const { latin1, selected } = scan
  const { offsets, count } = scan.page
  const { pattern } = needle
  let value = nextWanted(scan, 0)
  pattern.lastIndex = offsets[value]!
  while (value < count && pattern.test(latin1)) {
    const start = pattern.lastIndex - length
    while (offsets[value + 1]! <= start) value++
    const isInside = start + length <= offsets[value + 1]! && isWanted(scan, value)
    if (isInside && needle.sure && !isAtBoundary(scan, needle, value, start, start + length)) {
      pattern.lastIndex = start + 1
      continue
    }
    if (isInside && (needle.sure || matcher.text(textAt(scan, value)))) bitmapSet(selected, rowAt(scan, value))
    value = nextWanted(scan, value + 1)
    pattern.lastIndex = offsets[value]!
  }
}

/** The same for a pattern of several literals, whose occurrences always need the real test. */
function scanAlternatives(scan: Scan, pattern: RegExp, matcher: Matcher): void {
  const { offsets, count } = scan.page
  let value = nextWanted(scan, 0)
  pattern.lastIndex = offsets[value]!
  while (value < count) {
    const match = pattern.exec(scan.latin1)
    if (match === null) return
    while (offsets[value + 1]! <= match.index) value++
    if (pattern.lastIndex > offsets[value + 1]!) {
      pattern.lastIndex = match.index + 1
      continue
    }
    if (isWanted(scan, value) && matcher.text(textAt(scan, value))) bitmapSet(scan.selected, rowAt(scan, value))
    value = nextWanted(scan, value + 1)
    pattern.lastIndex = offsets[value]!
  }
}

/** Without a literal to look for. When the page is ASCII its values are slices of one string. */
function testEach(scan: Scan, matcher: Matcher): void {
  const { latin1, page } = scan
  const isAscii = latin1 !== '' && !/[\x80-\xff]/.test(latin1)
  for (let value = nextWanted(scan, 0); value < page.count; value = nextWanted(scan, value + 1)) {
    const text = isAscii ? latin1.slice(page.offsets[value], page.offsets[value + 1]) : textAt(scan, value)
    if (matcher.text(text)) bitmapSet(scan.selected, rowAt(scan, value))
  }
}

function isAtBoundary({ bytes, page }: Scan, needle: Needle, value: number, start: number, end: number): boolean {
  if (needle.wordStart && start > page.offsets[value]! && isTokenBefore(bytes, start)) return false
  return !needle.wordEnd || end === page.offsets[value + 1]! || !isTokenAt(bytes, end)
}

function isTokenAt(bytes: Buffer, at: number): boolean {
  const byte = bytes[at]!
  return byte < 0x80 ? asciiTokenCodes[byte] !== 0 : isTokenChar(bytes.toString('utf8', at, at + 4).codePointAt(0) ?? 0)
}

function isTokenBefore(bytes: Buffer, at: number): boolean {
  const byte = bytes[at - 1]!
  if (byte < 0x80) return asciiTokenCodes[byte] !== 0
  let start = at - 1
  while (start > 0 && (bytes[start]! & 0xc0) === 0x80) start--
  return isTokenChar(bytes.toString('utf8', start, at).codePointAt(0) ?? 0)
}

function textAt({ bytes, page }: Scan, value: number): string {
  return bytes.toString('utf8', page.offsets[value], page.offsets[value + 1])
}

function rowAt({ rows, page }: Scan, value: number): number {
  return rows === undefined ? page.first + value : rows[value]!
}

function isWanted(scan: Scan, value: number): boolean {
  const row = rowAt(scan, value)
  return bitmapHas(scan.candidates, row) && !bitmapHas(scan.selected, row)
}

/** The first value at or after `value` that is to be tested; `count` when there is none. */
function nextWanted(scan: Scan, value: number): number {
  let next = value
  while (next < scan.page.count && !isWanted(scan, next)) next++
  return next
}

function countWanted({ first, count }: TextPage, rows: Uint32Array | undefined, candidates: Bitmap): number {
  let wanted = 0
  for (let i = 0; i < count; i++) if (bitmapHas(candidates, rows === undefined ? first + i : rows[i]!)) wanted++
  return wanted
}
