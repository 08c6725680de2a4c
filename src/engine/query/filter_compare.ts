import { fold } from '../encode/tokens.ts'
import type { Bound, Leaf } from './ast.ts'
import type { Matcher } from './matcher.ts'
import { numberOf } from './number_text.ts'

type CompareLeaf = Extract<Leaf, { kind: 'compare' }>

/**
 * `>`, `<=`, ranges. Number bounds compare numbers, exactly also beyond 2^53, and texts that are a number as a whole;
 * text bounds compare folded texts by UTF-16 code units. Booleans never match.
 */
export function compareMatcher({ min, max }: CompareLeaf): Matcher {
  const isNumeric = typeof (min ?? max)?.value !== 'string'
  const holds = (value: number | bigint | string) => passesMin(value, min) && passesMax(value, max)
  return {
    tokens: [[]],
    scalars: isNumeric,
    numbers: isNumeric ? { min: smallest(min), max: -smallest(negated(max)), sure: true } : null,
    text: isNumeric ? (value) => isNumberThat(holds, value) : (value) => holds(fold(value)),
    scalar: (value) => typeof value !== 'boolean' && holds(value),
  }
}

function isNumberThat(holds: (value: number | bigint) => boolean, text: string): boolean {
  const value = numberOf(text)
  return value !== undefined && holds(value)
}

function passesMin(value: number | bigint | string, bound: CompareLeaf['min']): boolean {
  if (bound === undefined) return true
  return bound.inclusive ? value >= bound.value : value > bound.value
}

function passesMax(value: number | bigint | string, bound: CompareLeaf['max']): boolean {
  if (bound === undefined) return true
  return bound.inclusive ? value <= bound.value : value < bound.value
}

/** The smallest float64 that passes a lower bound; Infinity when no finite one does. */
function smallest(bound: CompareLeaf['min']): number {
  if (bound === undefined || typeof bound.value === 'string') return -Infinity
  const near = Number(bound.value)
  return passesMin(near, bound) ? near : nextUp(near)
}

function negated(bound: CompareLeaf['max']): Bound<number | bigint> | undefined {
  if (bound === undefined || typeof bound.value === 'string') return undefined
  return { value: -bound.value, inclusive: bound.inclusive }
}

/** The next greater float64. */
function nextUp(value: number): number {
  if (!Number.isFinite(value)) return value === -Infinity ? -Number.MAX_VALUE : value
  const view = new DataView(new ArrayBuffer(8))
  // + 0 makes -0 into 0, whose successor has the bits 1.
  view.setFloat64(0, value + 0)
  const bits = view.getBigInt64(0)
  view.setBigInt64(0, bits >= 0n ? bits + 1n : bits - 1n)
  return view.getFloat64(0)
}
