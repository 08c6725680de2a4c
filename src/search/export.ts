import { exportPageRows } from '../core/limits.ts'
import type { TenantCtx } from '../db/context.ts'
import { logJson } from '../engine/log_json.ts'
import type { StoredRow } from '../engine/row.ts'
import { csvLine, withoutFormula } from './csv.ts'
import { csvCellText, exportColumns, ndjsonText } from './export_columns.ts'
import type { Page } from './pages.ts'
import { readPage } from './pages.ts'
import { checkQuery } from './query_text.ts'
import type { ExportInput } from './schema.ts'
import { shardsOf } from './shards.ts'
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
  const listing = { q, range, order }
  // The first page comes before the answer starts, so that what fails at once is still a problem document.
  const first = await readPage(ctx, shards, listing, exportPageRows)
  const next = (page: Page) => (page.next ? readPage(ctx, shards, { ...listing, ...page.next }, exportPageRows) : undefined)
  const day = new Date(ctx.now()).toISOString().slice(0, 10)
  const write = format === 'csv' ? csvWriter(input.fields) : ndjsonWriter(input.fields)
  return {
    contentType: format === 'csv' ? 'text/csv; charset=utf-8; header=present' : 'application/x-ndjson',
    fileName: `edgelog-${day}.${format}`,
    body: streamOf(ctx, first, next, write),
  }
}

interface Writer {
  head: string
  line(shard: number, row: StoredRow): string
}

function csvWriter(fields: readonly string[] | undefined): Writer {
  const columns = exportColumns(fields)
  return {
    head: csvLine(columns.map(({ name }) => withoutFormula(name))),
    line(shard, row) {
      const log = logJson(row, shard)
      return csvLine(columns.map(({ value }) => csvCellText(value(log))))
    },
  }
}

function ndjsonWriter(fields: readonly string[] | undefined): Writer {
  const columns = fields && exportColumns(fields)
  return { head: '', line: (shard, row) => `${ndjsonText(row, shard, columns)}\n` }
}

function streamOf(
  ctx: TenantCtx,
  first: Page,
  next: (page: Page) => Promise<Page> | undefined,
  { head, line }: Writer,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  let page: Page | undefined = first
  let text = head
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          while (page !== undefined && text === '') {
            for (const { shard, row } of page.rows) text += line(shard, row)
            page = await next(page)
          }
          if (text !== '') controller.enqueue(encoder.encode(text))
          else controller.close()
          text = ''
        } catch (error) {
          ctx.log.error('export broke off', error)
          controller.error(error)
        }
      },
    },
    // No page is read ahead of the receiver.
    { highWaterMark: 0 },
  )
}
