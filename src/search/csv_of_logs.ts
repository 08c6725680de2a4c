import { reportBytesMax } from '../core/limits.ts'
import { problem } from '../core/problems.ts'
import { formatTimestamp } from '../core/time.ts'
import type { TenantCtx } from '../db/context.ts'
import type { Order } from '../engine/query/types.ts'
import type { PageState } from './cursor.ts'
import { reportDamage } from './damage.ts'
import { headLine, lineWriter } from './export_columns.ts'
import { readPage } from './pages.ts'
import { queryRun } from './query_run.ts'
import { checkQuery } from './query_text.ts'
import { parseRange } from './time_range.ts'

/** Rows of one page: they are in memory at once. */
const pageRows = 500

export interface CsvFile {
  bytes: Uint8Array
  rows: number
  /** There are more than the file holds. */
  truncated: boolean
  /** The range that was looked at, RFC 3339. */
  from: string
  to: string
}

interface CsvInput {
  q: string
  from: string
  to: string
  order: Order
  /** Empty: those of an export. */
  columns: readonly string[]
  rows_max: number
}

/**
 * The first logs that match as one CSV file in memory, as GET /logs/export writes it: at most `rows_max` and `reportBytesMax`. Relative
 * times count from `atMs`. Throws a ProblemError when the query cannot work, or rows could not be read: a file that looked whole
 * would hide that they are missing.
 */
export async function csvOfLogs(ctx: TenantCtx, input: CsvInput, atMs: number): Promise<CsvFile> {
  const { q, order, rows_max: rowsMax } = input
  checkQuery(q)
  const range = parseRange(input.from, input.to, atMs)
  const format = { format: 'csv', fields: input.columns.length === 0 ? undefined : input.columns } as const
  const write = lineWriter(format)
  const { shards, deps } = await queryRun(ctx)
  const encoder = new TextEncoder()
  const parts = [encoder.encode(headLine(format))]
  let bytes = parts[0]!.length
  let rows = 0
  let next: PageState | null | undefined
  let truncated = false
  do {
    const page = await readPage(deps, shards, { q, range, order, ...next }, Math.min(pageRows, rowsMax - rows))
    if (page.damaged.length > 0) {
      reportDamage(ctx, page.damaged)
      throw problem('unprocessable', 'Some of the stored logs could not be read, so the file would have gaps.')
    }
    for (const { shard, row } of page.rows) {
      const line = encoder.encode(write(row, shard))
      truncated = bytes + line.length > reportBytesMax
      if (truncated) break
      parts.push(line)
      bytes += line.length
      rows++
    }
    next = page.next
    if (ctx.now() >= deps.endMs && next !== null) truncated = true
  } while (next !== null && rows < rowsMax && !truncated)
  const bound = (ms: number) => formatTimestamp(Math.min(ms, atMs), 0)
  return {
    bytes: new Uint8Array(await new Blob(parts).arrayBuffer()),
    rows,
    truncated: truncated || next !== null,
    from: bound(range.fromMs),
    to: bound(range.toMs),
  }
}
