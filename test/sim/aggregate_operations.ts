import type { FieldTable } from '../../src/engine/query/fields_present.ts'
import type { PatternTable } from '../../src/engine/query/patterns_table.ts'
import { answerStats } from '../../src/engine/query/stats_answer.ts'
import { parseStats } from '../../src/engine/query/stats_parser.ts'
import type { StatsPlan, StatsTable } from '../../src/engine/query/stats_types.ts'
import type { AggregateOperation, Facets, Histogram, Results } from '../../src/engine/query/types.ts'
import type { StoredRow } from '../../src/engine/row.ts'
import { attributeOf } from '../../src/engine/row.ts'
import type { Listing } from '../../src/search/pages.ts'
import { computeNaively, groupNaively } from '../support/naive_stats.ts'
import { aggregate } from './coordinator.ts'
import { checkDamage } from './damage.ts'
import { holds, same } from './oracle.ts'
import { everyRow, expectedRows, randomListing } from './read_operations.ts'
import { openSession } from './session.ts'
import type { Organization, SimWorld } from './world.ts'

/** One operation of each kind. */
export function aggregateOperations(bucketMs: number): readonly AggregateOperation[] {
  return [
    { kind: 'count' },
    { kind: 'histogram', bucketMs },
    { kind: 'facets', fields: ['source', 'status', 'id'], limit: 100 },
    { kind: 'fields' },
    { kind: 'patterns', plan: { fromMs: 0, bucketMs: 1e13 } },
    {
      kind: 'stats',
      plan: { functions: parseStats('count(), sum(status), count_distinct(id), max(timestamp)'), by: ['source'], bucketMs: null },
    },
  ]
}

/** Counts of all kinds over one moment of each shard. */
export async function runAggregates(world: SimWorld, organization: Organization): Promise<void> {
  const random = world.random()
  const operation = random.pick(aggregateOperations(random.pick([1000, 60_000, 7_200_000])))
  await runAggregate(world, organization, randomListing(world), operation)
}

export async function runAggregate(
  world: SimWorld,
  organization: Organization,
  listing: Listing,
  operation: AggregateOperation,
): Promise<void> {
  const session = openSession(world, organization)
  const { keepFromMs } = organization
  const { result, budgetEnded, damaged } = await aggregate(world, session, listing, keepFromMs, operation)
  world.totals.queries++
  const rows = expectedRows(session, { ...listing, keepFromMs }, everyRow(session)).map(({ row }) => row)
  checkDamage(world, damaged)
  const isRemoved = rows.some(({ createdMs }) => createdMs < organization.keepFromMs)
  if (damaged.length === 0 && !budgetEnded && !isRemoved) check(`${operation.kind} of "${listing.q}"`, operation, result, rows)
}

function check(what: string, operation: AggregateOperation, result: Results[AggregateOperation['kind']], rows: readonly StoredRow[]): void {
  switch (operation.kind) {
    case 'count':
      return same(what, result, { count: rows.length })
    case 'histogram':
      return checkHistogram(what, result as Histogram, rows, operation.bucketMs)
    case 'facets':
      return checkFacets(what, result as Facets, rows, operation.fields)
    case 'fields':
      return checkFields(what, result as FieldTable, rows)
    case 'patterns':
      return checkPatterns(what, result as PatternTable, rows)
    case 'stats':
      return checkStats(what, result as StatsTable, rows, operation.plan)
  }
}

function checkHistogram(what: string, { buckets }: Histogram, rows: readonly StoredRow[], bucketMs: number): void {
  const expected = new Map<number, number[]>()
  for (const { timestampMs, severity } of rows) {
    const start = Math.floor(timestampMs / bucketMs) * bucketMs
    const counts = expected.get(start) ?? [0, 0, 0, 0, 0, 0]
    counts[severity]!++
    expected.set(start, counts)
  }
  same(what, new Map(buckets.map(({ startMs, counts }) => [startMs, counts])), expected)
}

function checkFacets(what: string, { facets }: Facets, rows: readonly StoredRow[], fields: readonly string[]): void {
  for (const [i, field] of fields.entries()) {
    const values = rows.map((row) => (field === 'source' ? row.source : attributeOf(row.attributes, field)))
    const expected = countsOf(values.filter((value) => value !== undefined && value !== '').map(String))
    same(`${what}: ${field}`, new Map(facets[i]?.values.map(({ value, count }) => [value, count])), expected)
  }
}

function checkFields(what: string, { fields }: FieldTable, rows: readonly StoredRow[]): void {
  same(what, new Map(fields.map((field) => [field.name, field.rows])), countsOf(rows.flatMap(({ attributes }) => Object.keys(attributes))))
}

/** However messages are grouped, each row is in one group. */
function checkPatterns(what: string, { entries, droppedRows }: PatternTable, rows: readonly StoredRow[]): void {
  const severities = [0, 1, 2, 3, 4, 5]
  const counted = severities.map((severity) => entries.reduce((sum, { counts }) => sum + (counts[severity] ?? 0), 0))
  same(`${what}: rows that were dropped`, droppedRows, 0)
  same(
    what,
    counted,
    severities.map((severity) => rows.filter((row) => row.severity === severity).length),
  )
}

function checkStats(what: string, table: StatsTable, rows: readonly StoredRow[], plan: StatsPlan): void {
  const { groups } = answerStats(plan, table, { function: 0, isDescending: true }, 100)
  const expected = groupNaively(plan, rows)
  same(`${what}: groups`, groups.map(({ key }) => JSON.stringify(key)).toSorted(), [...expected.keys()].toSorted())
  for (const { key, values } of groups) {
    const group = expected.get(JSON.stringify(key))
    for (const [i, each] of plan.functions.entries()) {
      const value = computeNaively(each, group?.rows ?? [])
      holds(`${what}: ${each.text} of ${JSON.stringify(key)}`, Number(values[i]) === Number(value), [values[i], value])
    }
  }
}

function countsOf(values: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return counts
}
