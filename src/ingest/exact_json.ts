import { integerDigitsMax } from '../core/limits.ts'

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

/** JSON text of an array, big integers as digits; undefined when it is nested deeper than `depthMax`. */
export function jsonText(value: readonly unknown[], depthMax: number): string | undefined {
  if (isDeeper(value, depthMax)) return undefined
  return JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? rawJson(String(item)) : item))
}

const integer = /^-?\d+$/

function isDeeper(value: unknown, depthLeft: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (depthLeft === 0) return true
  return Array.isArray(value)
    ? value.some((item) => isDeeper(item, depthLeft - 1))
    : Object.values(value).some((item) => isDeeper(item, depthLeft - 1))
}

type Reviver = (this: unknown, key: string, value: unknown, context: { source?: string }) => unknown

/** ECMAScript 2026; TypeScript's library does not describe them yet. */
const parseWithSource = JSON.parse as (text: string, reviver: Reviver) => unknown
const rawJson = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON
