/**
 * What is wrong with texts that src/search reads, each as a sentence; undefined where nothing is. Features keep such texts and
 * know no engine, so src/routes.ts hands them these.
 */
export interface QueryChecks {
  /** A filter in the query language. */
  query(text: string): string | undefined
  /** All conditions of a list of logs together. */
  listFilter(filter: ListFilter): string | undefined
  /** Statistics such as `count(), p99(duration)`, at most so many of them. */
  stats(text: string, functionsMax: number): string | undefined
  /** One of these statistics, with - in front for descending. */
  statsOrdering(stats: string, ordering: string): string | undefined
  /** One end of a range of time. */
  timeBound(text: string): string | undefined
  /** Two good ends of a range: whether they follow each other, as far as that does not depend on the time of day. */
  timeRange(from: string, to: string): string | undefined
}

/** Conditions that must all hold. */
export interface ListFilter {
  readonly q: string
  /** Words that must all be in the log. */
  readonly search: string
  readonly severity: readonly string[]
  readonly source: readonly string[]
}
