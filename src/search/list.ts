import { listOffsetRowsMax, listReadsMax } from '../core/limits.ts'
import { problem } from '../core/problems.ts'
import type { ListFilter } from '../core/query_checks.ts'
import { severityFromText } from '../core/severity.ts'
import type { TenantCtx } from '../db/context.ts'
import type { LogJson } from '../engine/log_json.ts'
import { logJson } from '../engine/log_json.ts'
import { mergeScans } from '../engine/query/merge.ts'
import type { Damage } from '../engine/query/types.ts'
import { aggregateLogs } from './aggregate.ts'
import { decodeCursor, encodeCursor, listingHash } from './cursor.ts'
import { wholenessOf } from './damage.ts'
import type { Listing, Page } from './pages.ts'
import { readPage } from './pages.ts'
import type { QueryDeps } from './query_deps.ts'
import { queryDeps } from './query_deps.ts'
import { allOf, checkQuery, quoted } from './query_text.ts'
import type { ListInput } from './schema.ts'
import type { Shard } from './shards.ts'
import { shardsOf } from './shards.ts'
import { parseRange } from './time_range.ts'

export interface LogList {
  count: number
  countIsLowerBound: boolean
  damaged?: Damage[]
  results: LogJson[]
  /** Cursor of the next page; null when there is none. */
  next: string | null
}

/** A numbered page (or the one that a cursor names) of the logs that pass all filters, with their count. */
export async function listLogs(ctx: TenantCtx, input: ListInput): Promise<LogList> {
  const { order, page_size: pageSize } = input
  const q = listFilterQuery(input)
  const range = parseRange(input.date_from, input.date_to, ctx.now(), { from: 'date_from', to: 'date_to' })
  const hash = listingHash({ organizationId: ctx.tenant.organizationId, q, from: input.date_from ?? '', to: input.date_to ?? '', order })
  const resumed = input.cursor === undefined ? undefined : decodeCursor(input.cursor, hash)
  const shards = await shardsOf(ctx)
  const listing: Listing = { q, range, order, ...resumed }
  const deps = queryDeps(ctx)
  const page =
    resumed === undefined
      ? await numberedPage(deps, shards, listing, input.page, pageSize)
      : await readPage(deps, shards, listing, pageSize)
  const counted = await aggregateLogs(deps, shards, { q, range: listing.range, snapshot: page.snapshot }, { kind: 'count' })
  const { partial, ...whole } = wholenessOf(ctx, { budgetEnded: counted.budgetEnded, damaged: mergeScans([page, counted]).damaged })
  return {
    ...whole,
    count: counted.result.count,
    countIsLowerBound: partial,
    results: page.rows.map(({ shard, row }) => logJson(row, shard)),
    next: page.next && encodeCursor(page.next, hash),
  }
}

/** The filters of a list as one query; throws the problem of what is wrong with them. */
export function listFilterQuery(input: Pick<ListFilter, 'q'> & { [K in keyof ListFilter]?: ListFilter[K] | undefined }): string {
  checkQuery(input.q)
  const words = (input.search ?? '').split(/\s+/).filter((word) => word !== '')
  const severities = (input.severity ?? []).map((text) => {
    if (severityFromText(text) === undefined) {
      throw problem('validation_failed', `\`severity\` has no value ${JSON.stringify(text)}.`, {
        details: { severity: ['is not a severity'] },
      })
    }
    return quoted(text)
  })
  const q = allOf([
    input.q,
    ...words.map(quoted),
    severities.length > 0 ? `severity:in(${severities.join(', ')})` : '',
    input.source !== undefined && input.source.length > 0 ? `source:in(${input.source.map(quoted).join(', ')})` : '',
  ])
  // Together they may pass a limit that each keeps.
  checkQuery(q)
  return q
}

/** Reads over the rows of the pages before; bounded by `listOffsetRowsMax`. */
async function numberedPage(deps: QueryDeps, shards: readonly Shard[], listing: Listing, number: number, pageSize: number): Promise<Page> {
  if (number * pageSize > listOffsetRowsMax) {
    const detail = `Pages reach to the ${listOffsetRowsMax}th log; follow \`next\`, whose cursor has no such end, or narrow the filter.`
    throw problem('validation_failed', detail, { details: { page: [detail] } })
  }
  let skip = (number - 1) * pageSize
  let page = await readPage(deps, shards, listing, skip > 0 ? skip : pageSize)
  for (let reads = 1; skip > 0; reads++) {
    skip -= page.rows.length
    if (page.next === null) return { ...page, rows: [] }
    if (reads === listReadsMax)
      throw problem('unprocessable', 'The page lies too far in for this filter; follow `next` from the first page.')
    page = await readPage(deps, shards, { ...listing, ...page.next }, skip > 0 ? skip : pageSize)
  }
  return page
}
