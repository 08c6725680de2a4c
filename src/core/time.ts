import { timestampMsMax } from './limits.ts'

/** An instant: milliseconds since 1970 and nanoseconds within the millisecond (0 to 999,999). */
export interface Timestamp {
  ms: number
  ns: number
}

/** RFC 3339 in UTC with three decimals, or nine when there are nanoseconds. */
export function formatTimestamp(ms: number, ns: number): string {
  const text = new Date(ms).toISOString()
  return ns === 0 ? text : `${text.slice(0, -1)}${String(ns).padStart(6, '0')}Z`
}

/** A moment as the API shows it: RFC 3339 in UTC. */
export function isoOf(ms: number): string {
  return new Date(ms).toISOString()
}

/** The same for one that may not have come yet. */
export function isoOrNull(ms: number | null | undefined): string | null {
  return ms === null || ms === undefined ? null : isoOf(ms)
}

/**
 * The instant that a text names, from 1970-01-01 to 2286-11-20, or undefined. Understood are RFC 3339 (a space for
 * the T, a comma for the point, `/` in the date, offset without colon; no offset means UTC), a date alone, the time of
 * nginx and Apache (`22/Nov/2026:07:04:17 +0000`), and epoch seconds, milliseconds, microseconds or nanoseconds.
 */
export function parseTimestamp(text: string): Timestamp | undefined {
  if (text.length < 10 || text.length > timestampCharsMax) return parseEpoch(text)
  const separator = text.charCodeAt(4)
  if ((separator === 0x2d || separator === 0x2f) && text.charCodeAt(7) === separator) return parseIso(text)
  return text.charCodeAt(2) === 0x2f ? parseCommonLog(text) : parseEpoch(text)
}

/** Epoch time whose unit follows from its magnitude: below 10^10 seconds, 10^13 ms, 10^16 µs, 10^19 ns. */
export function timestampFromNumber(value: number): Timestamp | undefined {
  if (!(value >= 0)) return undefined
  // A double holds present epoch seconds to about a microsecond, so decimals beyond that are noise.
  if (value < 1e10) return Number.isInteger(value) ? inRange(value * 1000, 0) : fromMicros(Math.round(value * 1e6))
  if (value < 1e13) return Number.isInteger(value) ? inRange(value, 0) : fromMicros(Math.round(value * 1e3))
  if (value < 1e16) return fromMicros(Math.floor(value))
  return value < 1e19 ? fromNanos(BigInt(Math.floor(value))) : undefined
}

/** The same for an integer of any size, exactly. */
export function timestampFromBigint(value: bigint): Timestamp | undefined {
  return value >= 0n && value < 10n ** 19n ? fromNanos(value * epochUnitNanos(value)) : undefined
}

/** As a number the greatest microseconds would be rounded up to nanoseconds. */
function epochUnitNanos(value: bigint): bigint {
  return value < 10n ** 10n ? 1_000_000_000n : value < 10n ** 13n ? 1_000_000n : value < 10n ** 16n ? 1000n : 1n
}

/** The longest form is RFC 3339 with many decimals; longer texts are no time. */
const timestampCharsMax = 64

function inRange(ms: number, ns: number): Timestamp | undefined {
  return ms >= 0 && ms < timestampMsMax ? { ms, ns } : undefined
}

function fromMicros(micros: number): Timestamp | undefined {
  const ms = Math.floor(micros / 1000)
  return inRange(ms, (micros - ms * 1000) * 1000)
}

function fromNanos(nanos: bigint): Timestamp | undefined {
  return inRange(Number(nanos / 1_000_000n), Number(nanos % 1_000_000n))
}

/** Fewer digits are rather a year or a count than a time. */
const epochPattern = /^(\d{9,19})(?:[.,](\d{1,18}))?$/

function parseEpoch(text: string): Timestamp | undefined {
  const match = epochPattern.exec(text)
  if (match === null) return undefined
  const [, whole = '', decimals = ''] = match
  const value = BigInt(whole)
  const unit = epochUnitNanos(value)
  return fromNanos(value * unit + (BigInt(decimals.padEnd(9, '0').slice(0, 9)) * unit) / 1_000_000_000n)
}

/** `yyyy-mm-dd`, then nothing, or `T hh:mm[:ss[.fraction]]` and an offset. */
function parseIso(text: string): Timestamp | undefined {
  const day = dayStart(digitsAt(text, 0, 4), digitsAt(text, 5, 2), digitsAt(text, 8, 2))
  if (text.length === 10) return inRange(day, 0)
  const between = text.charCodeAt(10)
  if ((between !== 0x54 && between !== 0x20 && between !== 0x74) || text.charCodeAt(13) !== 0x3a) return undefined
  let end = 16
  let second = 0
  if (text.charCodeAt(16) === 0x3a) {
    second = digitsAt(text, 17, 2)
    end = 19
  }
  let ms = day + clock(digitsAt(text, 11, 2), digitsAt(text, 14, 2), second)
  let ns = 0
  const point = text.charCodeAt(end)
  if (end === 19 && (point === 0x2e || point === 0x2c)) {
    const start = end + 1
    for (end = start; isDigit(text.charCodeAt(end));) end++
    if (end === start) return undefined
    ms += fraction(text, start, end, 0)
    ns = fraction(text, start, end, 3) * 1000 + fraction(text, start, end, 6)
  }
  return inRange(ms - offsetMs(text, end), ns)
}

/** `dd/Mon/yyyy:hh:mm:ss +zzzz`, the time of the common log format. */
function parseCommonLog(text: string): Timestamp | undefined {
  const match = /^(\d\d)\/([A-Za-z]{3})\/(\d{4}):(\d\d):(\d\d):(\d\d)(?: ([+-]\d{4}))?$/.exec(text)
  if (match === null) return undefined
  const [, day, month = '', year, hour, minute, second, offset = ''] = match
  const monthNumber = monthNames.indexOf(month.toLowerCase()) / 3 + 1
  if (!Number.isInteger(monthNumber) || monthNumber < 1) return undefined
  const start = dayStart(Number(year), monthNumber, Number(day))
  return inRange(start + clock(Number(hour), Number(minute), Number(second)) - offsetMs(offset, 0), 0)
}

const monthNames = 'janfebmaraprmayjunjulaugsepoctnovdec'
const offsetPattern = /^ ?(?:([+-])(\d\d)(?::?([0-5]\d))?(?: [A-Z]{1,5})?|Z|UTC|GMT)$/i

/** Milliseconds east of UTC of what stands from `start` to the end; NaN when that is no offset. */
function offsetMs(text: string, start: number): number {
  const left = text.length - start
  if (left === 0 || (left === 1 && (text.charCodeAt(start) | 0x20) === 0x7a)) return 0
  if (left === 6 && text.endsWith('+00:00')) return 0
  const match = offsetPattern.exec(text.slice(start))
  if (match === null) return NaN
  const [, sign, hours = '0', minutes = '0'] = match
  if (Number(hours) > 23) return NaN
  const size = (Number(hours) * 60 + Number(minutes)) * 60_000
  return sign === '-' ? -size : size
}

let knownDay = -1
let knownDayStart = NaN

/** Milliseconds of midnight UTC, NaN when there is no such day. Most records are of the same day as the one before. */
function dayStart(year: number, month: number, day: number): number {
  const key = (year * 100 + month) * 100 + day
  if (key !== knownDay) {
    // Date.UTC takes the years 0 to 99 for 1900 to 1999.
    const date = new Date(year < 100 ? NaN : Date.UTC(year, month - 1, day))
    knownDayStart = date.getUTCMonth() === month - 1 && date.getUTCDate() === day ? date.getTime() : NaN
    knownDay = key
  }
  return knownDayStart
}

/** Milliseconds since midnight; NaN when out of range. Second 60 (a leap second) becomes the next minute's start. */
function clock(hour: number, minute: number, second: number): number {
  if (!(hour < 24 && minute < 60 && second <= 60)) return NaN
  return ((hour * 60 + minute) * 60 + second) * 1000
}

/** The number in `count` digits; NaN when there is anything else. */
function digitsAt(text: string, start: number, count: number): number {
  let value = 0
  for (let i = start; i < start + count; i++) {
    const code = text.charCodeAt(i)
    if (!isDigit(code)) return NaN
    value = value * 10 + code - 0x30
  }
  return value
}

/** The three decimals from place `place`, absent ones as zeros. */
function fraction(text: string, start: number, end: number, place: number): number {
  let value = 0
  for (let i = start + place; i < start + place + 3; i++) value = value * 10 + (i < end ? text.charCodeAt(i) - 0x30 : 0)
  return value
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39
}
