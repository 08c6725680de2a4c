import { integerDigitsMax, recordDepthMax } from '../core/limits.ts'
import type { RowFault } from './row_fault.ts'

/** Cheap test whether a JSON text may hold what JSON.parse would change: a long integer, or half a surrogate pair. */
export const needsExactParse = /[\s:,[]-?\d{16}|\\u[dD]/

/**
 * JSON.parse that keeps every number: integers beyond 2^53 become bigint, numbers beyond the range of a double and
 * integers longer than `integerDigitsMax` their text. Lone surrogates become U+FFFD. Undefined when nested too deep;
 * throws SyntaxError like JSON.parse. Several times slower, so only for texts that need it.
 */
export function parseExact(text: string): unknown {
  try {
    return parseWithSource(text, (_key, value, { source }) => {
      if (typeof value === 'string') return value.toWellFormed()
      if (typeof value !== 'number' || source === undefined) return value
      if (!Number.isFinite(value)) return source
      if (Number.isSafeInteger(value) || !integer.test(source)) return value
      return source.length > integerDigitsMax ? source : BigInt(source)
    })
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

/**
 * Why an array cannot become JSON text as it is: `deep`, nested deeper than `depthMax`, or `inexact`, because JSON.parse
 * made an infinite number of one that no double holds.
 */
export function arrayFault(value: readonly unknown[], depthMax: number): 'deep' | 'inexact' | undefined {
  if (depthMax === 0) return 'deep'
  for (const item of value) {
    if (typeof item === 'number' && !Number.isFinite(item)) return 'inexact'
    if (typeof item !== 'object' || item === null) continue
    const fault = arrayFault(Array.isArray(item) ? item : Object.values(item), depthMax - 1)
    if (fault !== undefined) return fault
  }
  return undefined
}

/** JSON text of an array, big integers as digits. */
export function jsonText(value: readonly unknown[]): string {
  return JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? rawJson(String(item)) : item))
}

export const nestedTooDeep: RowFault = { code: 'nested_too_deep', text: `is nested deeper than ${recordDepthMax} levels` }

const integer = /^-?\d+$/

type Reviver = (this: unknown, key: string, value: unknown, context: { source?: string }) => unknown

/** ECMAScript 2026; TypeScript's library does not describe them yet. */
const parseWithSource = JSON.parse as (text: string, reviver: Reviver) => unknown
const rawJson = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON
