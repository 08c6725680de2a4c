import type { AggregateOperation, Facets, Histogram } from '../../src/engine/query/types.ts'
import type { StoredRow } from '../../src/engine/row.ts'
import { attributeOf } from '../../src/engine/row.ts'
import { everything, randomQuery, randomRange } from './content.ts'
import type { Listing } from '../../src/search/pages.ts'
import type { SimPage } from './coordinator.ts'
import { aggregate, page as readPage } from './coordinator.ts'
import { checkDamage, lostRows } from './damage.ts'
import type { PlacedByShard } from './oracle.ts'
import { holds, inOrder, matching, same } from './oracle.ts'
import { compareInOrder, positionOf } from '../../src/engine/query/position.ts'
import type { Session } from './session.ts'
import { openSession } from './session.ts'
import type { Organization, SimWorld } from './world.ts'

const pagesMax = 3000

function randomListing(world: SimWorld): Listing {
  const random = world.random()
  return {
    q: randomQuery(random),
    range: randomRange(random, world.nowMs()),
    order: random.pick(['newest', 'oldest']),
  }
}

/** A search, page after page, with everything else going on in between. */
export async function searchPages(world: SimWorld, organization: Organization): Promise<void> {
  const limit = world.random().pick([1 + world.random().below(20), 30, 1000])
  await readPages(world, organization, randomListing(world), limit)
}

async function readPages(world: SimWorld, organization: Organization, first: Listing, limit: number): Promise<void> {
  const { keepFromMs } = organization
  let listing = first
  for (let pages = 1; ; pages++) {
    const session = openSession(world, organization)
    const page = await readPage(world, session, listing, keepFromMs, limit)
    world.totals.queries++
    checkPage(world, organization, session, { ...listing, keepFromMs }, page, limit)
    if (page.frontier === null) return
    holds('paging ends', pages < pagesMax, page.frontier)
    if (listing.after !== undefined) {
      holds('a page goes on from the one before', compareInOrder(listing.order, page.frontier, listing.after) > 0, [
        listing.after,
        page.frontier,
      ])
    }
    listing = { ...listing, after: page.frontier, snapshot: page.snapshot }
    // A client may lose interest.
    if (!world.isCalm() && world.random().chance(0.1)) return
  }
}

type Seen = Listing & { keepFromMs: number }

function expectedRows({ seen }: Session, listing: Seen, snapshot: ReadonlyMap<number, number>): PlacedByShard[] {
  const rows = [...snapshot].flatMap(([shard, maxSeq]) =>
    matching(seen.get(shard) ?? [], { ...listing, maxSeq }).map((row) => ({ shard, row })),
  )
  return inOrder(rows, listing.order, listing.after)
}

function checkPage(world: SimWorld, organization: Organization, session: Session, listing: Seen, page: SimPage, limit: number): void {
  const { q, order } = listing
  const what = `a page of "${q}", ${order} first`
  checkDamage(world, page.damaged)
  holds(`${what} has at most ${limit} rows`, page.rows.length <= limit, page.rows.length)
  const lost = lostRows(world, page.damaged)
  const { frontier } = page
  const due = expectedRows(session, listing, page.snapshot).filter(
    ({ shard, row }) => frontier === null || compareInOrder(order, positionOf(row, shard), frontier) <= 0,
  )
  const got = new Set(page.rows.map(nameOf))
  // A row may be missing where it is damaged, or removed by a retention that came meanwhile.
  const missing = due.filter((placed) => !got.has(nameOf(placed)))
  const unexplained = missing.filter((placed) => !lost.has(nameOf(placed)) && placed.row.createdMs >= organization.keepFromMs)
  same(`${what}: the rows that are missing`, unexplained, [])
  const expected = new Set(due.map(nameOf))
  same(
    `${what}: the rows that are too many`,
    page.rows.filter((placed) => !expected.has(nameOf(placed))),
    [],
  )
  same(
    what,
    page.rows,
    due.filter((placed) => got.has(nameOf(placed))),
  )
}

function nameOf({ shard, row }: { shard: number; row: Pick<StoredRow, 'seq'> }): string {
  return `${shard}/${row.seq}`
}

/** Counts of all kinds over one moment of each shard. */
export async function runAggregates(world: SimWorld, organization: Organization): Promise<void> {
  const random = world.random()
  const operation = random.pick<AggregateOperation>([
    { kind: 'count' },
    { kind: 'histogram', bucketMs: random.pick([1000, 60_000, 7_200_000]) },
    { kind: 'facets', fields: ['source', 'status', 'id'], limit: 100 },
  ])
  await runAggregate(world, organization, randomListing(world), operation)
}

async function runAggregate(world: SimWorld, organization: Organization, listing: Listing, operation: AggregateOperation): Promise<void> {
  const session = openSession(world, organization)
  const { keepFromMs } = organization
  const { result, budgetEnded, damaged } = await aggregate(world, session, listing, keepFromMs, operation)
  world.totals.queries++
  const all = new Map(session.shards.map(({ identity }) => [identity.shard, Infinity]))
  const rows = expectedRows(session, { ...listing, keepFromMs }, all).map(({ row }) => row)
  checkDamage(world, damaged)
  const isRemoved = rows.some(({ createdMs }) => createdMs < organization.keepFromMs)
  if (damaged.length > 0 || budgetEnded || isRemoved) return
  const what = `${operation.kind} of "${listing.q}"`
  if (operation.kind === 'count') same(what, result, { count: rows.length })
  else if (operation.kind === 'histogram') checkHistogram(what, result as Histogram, rows, operation.bucketMs)
  else if (operation.kind === 'facets') checkFacets(what, result as Facets, rows, operation.fields)
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
    const counts = new Map<string, number>()
    for (const row of rows) {
      const value = field === 'source' ? row.source : attributeOf(row.attributes, field)
      if (value !== undefined && value !== '') counts.set(String(value), (counts.get(String(value)) ?? 0) + 1)
    }
    same(`${what}: ${field}`, new Map(facets[i]?.values.map(({ value, count }) => [value, count])), counts)
  }
}

/** Everything that is there, by every way of asking. */
export async function queryEverything(world: SimWorld): Promise<void> {
  for (const organization of world.organizations) {
    const base = { range: everything }
    for (const [q, order] of [
      ['', 'newest'],
      ['timeout', 'oldest'],
    ] as const) {
      world.start(`${organization.id} reads everything`, () => readPages(world, organization, { ...base, q, order }, 1000))
    }
    const operations: AggregateOperation[] = [
      { kind: 'count' },
      { kind: 'histogram', bucketMs: 3_600_000 },
      { kind: 'facets', fields: ['source', 'status', 'id'], limit: 100 },
    ]
    for (const operation of operations) {
      world.start(`${organization.id} counts everything`, () =>
        runAggregate(world, organization, { ...base, q: '', order: 'newest' }, operation),
      )
    }
  }
}
