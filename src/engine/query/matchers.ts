import type { Filter, Leaf } from './ast.ts'
import { compareMatcher } from './filter_compare.ts'
import { exactMatcher } from './filter_exact.ts'
import { globMatcher } from './filter_glob.ts'
import { inMatcher } from './filter_in.ts'
import { phraseMatcher } from './filter_phrase.ts'
import { prefixMatcher } from './filter_prefix.ts'
import { regexMatcher } from './filter_regex.ts'
import { severityMatcher } from './filter_severity.ts'
import { timeMatcher } from './filter_time.ts'
import type { Matcher } from './matcher.ts'

/** Leaves that test the values of columns one by one. */
export type ValueLeaf = Exclude<Leaf, { kind: 'exists' }>

const known = new WeakMap<ValueLeaf, Matcher>()

/** The matcher of a leaf, made once for all blocks that the query meets. */
export function matcherOf(leaf: ValueLeaf): Matcher {
  let matcher = known.get(leaf)
  if (matcher === undefined) {
    matcher = createMatcher(leaf)
    known.set(leaf, matcher)
  }
  return matcher
}

/** What matching values has cost so far, over all conditions of the filter; see `Matcher.worked`. */
export function workOf(filter: Filter): () => number {
  const counters = valueLeaves(filter).flatMap((leaf) => matcherOf(leaf).worked ?? [])
  return () => counters.reduce((sum, worked) => sum + worked(), 0)
}

function valueLeaves(filter: Filter): ValueLeaf[] {
  switch (filter.kind) {
    case 'all':
    case 'exists':
      return []
    case 'and':
    case 'or':
      return filter.filters.flatMap(valueLeaves)
    case 'not':
      return valueLeaves(filter.filter)
    default:
      return [filter]
  }
}

function createMatcher(leaf: ValueLeaf): Matcher {
  switch (leaf.kind) {
    case 'phrase':
      return phraseMatcher(leaf.text)
    case 'prefix':
      return prefixMatcher(leaf.text)
    case 'glob':
      return globMatcher(leaf.parts)
    case 'regex':
      return regexMatcher(leaf.pattern)
    case 'compare':
      return compareMatcher(leaf)
    case 'exact':
      return exactMatcher(leaf.text)
    case 'in':
      return inMatcher(leaf.texts)
    case 'severity':
      return severityMatcher(leaf.mask)
    case 'time':
      return timeMatcher(leaf)
  }
}
