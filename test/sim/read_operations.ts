import type { StoredRow } from '../../src/engine/row.ts'
import { ndjsonLine } from '../../src/engine/log_json.ts'
import { randomQuery, randomRange } from './content.ts'
import type { Listing } from '../../src/search/pages.ts'
import type { SimPage } from './coordinator.ts'
import { exportPage, page as readPage } from './coordinator.ts'
import { checkDamage, lostRows } from './damage.ts'
import type { PlacedByShard } from './oracle.ts'
import { holds, inOrder, matching, same } from './oracle.ts'
import { compareInOrder, positionOf } from '../../src/engine/query/position.ts'
import type { Session } from './session.ts'
import { openSession } from './session.ts'
import type { Organization, SimWorld } from './world.ts'

const pagesMax = 3000

export function randomListing(world: SimWorld): Listing {
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

export async function readPages(world: SimWorld, organization: Organization, first: Listing, limit: number): Promise<void> {
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

export type Seen = Listing & { keepFromMs: number }

export function expectedRows({ seen }: Session, listing: Seen, snapshot: ReadonlyMap<number, number>): PlacedByShard[] {
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

/** An export, page after page: the lines of the file are those of the rows, in order. */
export async function exportRows(world: SimWorld, organization: Organization): Promise<void> {
  const { keepFromMs } = organization
  let listing: Listing = randomListing(world)
  for (let pages = 1; pages < pagesMax; pages++) {
    const session = openSession(world, organization)
    const { text, next, damaged } = await exportPage(world, session, listing, keepFromMs)
    world.totals.queries++
    checkDamage(world, damaged)
    const snapshot = next?.snapshot ?? listing.snapshot ?? everyRow(session)
    const due = expectedRows(session, { ...listing, keepFromMs }, snapshot).filter(
      ({ shard, row }) => next === null || compareInOrder(listing.order, positionOf(row, shard), next.after) <= 0,
    )
    const isWhole = damaged.length === 0 && due.every(({ row }) => row.createdMs >= organization.keepFromMs)
    if (isWhole) {
      const expected = due.map(({ row }) => ndjsonLine(row)).join('')
      same(`an export of "${listing.q}", ${listing.order} first`, parseLines(text), parseLines(expected))
    }
    if (next === null) return
    listing = { ...listing, ...next }
  }
}

function parseLines(text: string): unknown[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line): unknown => JSON.parse(line))
}

export function everyRow({ shards }: Session): ReadonlyMap<number, number> {
  return new Map(shards.map(({ identity }) => [identity.shard, Infinity]))
}

function nameOf({ shard, row }: { shard: number; row: Pick<StoredRow, 'seq'> }): string {
  return `${shard}/${row.seq}`
}
