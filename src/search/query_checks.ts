import { timestampMsMax } from '../core/limits.ts'
import { problem, ProblemError } from '../core/problems.ts'
import type { QueryChecks } from '../core/query_checks.ts'
import { listFilterQuery } from './list.ts'
import { checkQuery } from './query_text.ts'
import { orderOf, statsFunctionsIn } from './stats_of_logs.ts'
import { parseRange } from './time_range.ts'

/** Only what holds whenever it is asked is checked, so any moment does. */
const someMs = timestampMsMax / 2

/** What is wrong with texts that are kept to be searched with later. */
export const queryChecks: QueryChecks = {
  query: (text) => faultOf(() => checkQuery(text)),
  listFilter: (filter) => faultOf(() => listFilterQuery(filter)),
  stats: (text, functionsMax) =>
    faultOf(() => {
      const { length } = statsFunctionsIn('stats', text)
      if (length > functionsMax)
        throw problem('validation_failed', `must be ${functionsMax === 1 ? 'one function' : `at most ${functionsMax} functions`}`)
    }),
  statsOrdering: (stats, ordering) => faultOf(() => orderOf(statsFunctionsIn('stats', stats), ordering)),
  timeBound: (text) => faultOf(() => parseRange(text, undefined, someMs)),
  timeRange: (from, to) => (isRelative(from) === isRelative(to) ? faultOf(() => parseRange(from, to, someMs)) : undefined),
}

/** `now` and what is counted from it. */
function isRelative(bound: string): boolean {
  return bound.trim().startsWith('now')
}

function faultOf(read: () => unknown): string | undefined {
  try {
    read()
    return undefined
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error
    return Object.values(error.details ?? {})[0]?.[0] ?? error.detail
  }
}
