import type { Filter } from './ast.ts'
import { matcherOf } from './matchers.ts'

/**
 * Tokens that token filters should be asked for: where a block has none of them, or not those that belong together, the
 * filter can match no row of it. None when nothing can be ruled out this way.
 */
export function requiredTokens(filter: Filter): string[] {
  return [...new Set(tokensOf(filter))]
}

function tokensOf(filter: Filter): string[] {
  switch (filter.kind) {
    case 'all':
    case 'not':
    case 'exists':
    case 'severity':
    case 'time':
      return []
    case 'and':
      return filter.filters.flatMap(tokensOf)
    case 'or': {
      const parts = filter.filters.map(tokensOf)
      return parts.every((tokens) => tokens.length > 0) ? parts.flat() : []
    }
    default: {
      const { tokens } = matcherOf(filter)
      return tokens.every((list) => list.length > 0) ? tokens.flat() : []
    }
  }
}
