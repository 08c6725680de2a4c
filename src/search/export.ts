import { exportHotRows, scanChunkBytes } from '../core/limits.ts'
import { streamParts } from '../core/stream_parts.ts'
import type { TenantCtx } from '../db/context.ts'
import { mergeRows, rowsOfShard } from '../engine/query/merge.ts'
import { positionOf } from '../engine/query/position.ts'
import type { Damage, SearchRows } from '../engine/query/types.ts'
import type { LineRow } from '../objects/log-shard/protocol.ts'
import type { PageState } from './cursor.ts'
import { reportDamage } from './damage.ts'
import { headLine, lineWriter } from './export_columns.ts'
import type { ExportFormat } from './export_columns.ts'
import type { ExportPage, HotLine } from './export_page.ts'
import { createTextPage } from './export_page.ts'
import { lostSegments } from './lost_segments.ts'
import type { Listing } from './pages.ts'
import type { QueryDeps } from './query_deps.ts'
import { queryDeps, scanned } from './query_deps.ts'
import { checkQuery } from './query_text.ts'
import { sealedParts } from './scan_parts.ts'
import type { ExportInput } from './schema.ts'
import type { Shard, ShardReply } from './shards.ts'
import { askShards, shardsOf, snapshotOf } from './shards.ts'
import { parseRange } from './time_range.ts'

export interface LogExport {
  contentType: string
  fileName: string
  /** Reads the next page only when the receiver has taken the one before. A failure on the way breaks it off. */
  body: ReadableStream<Uint8Array>
}

/** Every log that matches, as it is at this moment, in one file. */
export async function exportLogs(ctx: TenantCtx, input: ExportInput): Promise<LogExport> {
  const { q, order, format } = input
  checkQuery(q)
  const range = parseRange(input.from, input.to, ctx.now())
  const shards = await shardsOf(ctx)
  const deps = queryDeps(ctx)
  const readNext = (next: PageState | undefined) => readFilePage(deps, shards, { q, range, order, ...next }, input)
  const day = new Date(ctx.now()).toISOString().slice(0, 10)
  return {
    contentType: format === 'csv' ? 'text/csv; charset=utf-8; header=present' : 'application/x-ndjson',
    fileName: `edgelog-${day}.${format}`,
    body: await streamParts(ctx.log, 'export', partsOf(ctx, new TextEncoder().encode(headLine(input)), readNext)),
  }
}

/** A page as it stands in the file. */
export interface FilePage {
  bytes: Uint8Array
  rows: number
  next: PageState | null
  damaged: readonly Damage[]
}

/** One page of the file: hot rows come from their shards, and another invocation puts the sealed ones among them. */
export async function readFilePage(
  deps: QueryDeps,
  shards: readonly Shard[],
  listing: Listing,
  input: Pick<ExportInput, 'format' | 'fields'>,
  isRepeat = false,
): Promise<FilePage> {
  const { q, range, order, after } = listing
  const format: ExportFormat = { format: input.format, fields: input.fields }
  const asLines = format.format === 'ndjson' && format.fields === undefined
  const replies = await askShards(deps, shards, listing, { kind: 'search', order, limit: exportHotRows, after }, asLines)
  const snapshot = listing.snapshot ?? snapshotOf(replies)
  const { hot, until } = hotLines(replies, listing, format)
  const parts = sealedParts(replies)
  const pageOf = ({ bytes, rows, frontier }: ExportPage, damaged: readonly Damage[]): FilePage => {
    return { bytes, rows, next: frontier && { after: frontier, range, snapshot }, damaged }
  }
  const hotDamage = replies.flatMap(({ reply }) => reply.damaged)
  if (parts.length === 0) return pageOf(createTextPage(hot, order).finish(until), hotDamage)
  const { organizationId, keepFromMs } = deps
  const call = { organizationId, q, range, keepFromMs, parts, order, after, until: until ?? undefined, hot, format }
  const scan = scanned(await deps.exportAway({ ...call, budgetBytes: scanChunkBytes }))
  const lost = await lostSegments(replies, [scan])
  if (lost.haveMoved && !isRepeat) return readFilePage(deps, shards, { ...listing, snapshot }, input, true)
  return pageOf(scan.result, [...hotDamage, ...scan.damaged, ...lost.damaged])
}

/** The hot rows of a page as lines of the file, and where they end. */
function hotLines(
  replies: readonly ShardReply[],
  { order }: Listing,
  format: ExportFormat,
): { hot: HotLine[]; until: ExportPage['frontier'] } {
  const write = lineWriter(format)
  const parts = replies.map(({ shard, reply }) => {
    const { shard: number } = shard.identity
    const { rows, frontier } = reply.result as SearchRows | SearchRows<LineRow>
    const lines = rows.map((row): LineRow => ('line' in row ? row : { ...positionOf(row, number), ...row, line: write(row, number) }))
    return rowsOfShard(number, { rows: lines, frontier })
  })
  const { rows, frontier } = mergeRows(parts, order, exportHotRows)
  return { hot: rows.map(({ shard, row }) => ({ position: positionOf(row, shard), line: row.line })), until: frontier }
}

/**
 * The file in parts, one page at a time in memory; the first page is read before the head is given. Where something is damaged
 * the file has all that can be read, and then breaks off: a file that looked whole would hide that rows are missing.
 */
export async function* partsOf(
  ctx: TenantCtx,
  head: Uint8Array,
  readNext: (next: PageState | undefined) => Promise<FilePage>,
): AsyncGenerator<Uint8Array, void> {
  const damaged: Damage[] = []
  let page = await readNext(undefined)
  yield head
  for (;;) {
    damaged.push(...page.damaged)
    yield page.bytes
    if (page.next === null) break
    page = await readNext(page.next)
  }
  const [broken] = damaged
  if (broken === undefined) return
  reportDamage(ctx, damaged)
  throw new Error(`stored logs are damaged and missing here: ${broken.segment}, ${broken.reason}`)
}
