import { severities } from '../../core/severity.ts'
import type { Matcher } from './matcher.ts'

/** The severity column holds indexes into `severities`; bit i of the mask stands for index i. */
export function severityMatcher(mask: number): Matcher {
  const indexes = severities.flatMap((_, i) => (mask & (1 << i) ? [i] : []))
  return {
    tokens: [[]],
    scalars: true,
    numbers: indexes.length === 0 ? null : { min: indexes[0] ?? 0, max: indexes.at(-1) ?? 0, sure: indexes.length === 1 },
    text: () => false,
    scalar: (value) => (mask & (1 << Number(value))) !== 0,
  }
}

/** The severities whose name a free term matches. */
export function severityMaskOfMatcher(matcher: Matcher): number {
  return severities.reduce((mask, name, i) => (matcher.text(name) ? mask | (1 << i) : mask), 0)
}
