import { exportPageRows } from '../core/limits.ts'
import type { TenantCtx } from '../db/context.ts'
import { logJson } from '../engine/log_json.ts'
import type { StoredRow } from '../engine/row.ts'
import { csvLine, withoutFormula } from './csv.ts'
import type { PageState } from './cursor.ts'
import { csvCellText, exportColumns, ndjsonColumns } from './export_columns.ts'
import { readLinePage, readPage } from './pages.ts'
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
  const { q, order, format, fields } = input
  checkQuery(q)
  const range = parseRange(input.from, input.to, ctx.now())
  const shards = await shardsOf(ctx)
  const read = format === 'csv' ? csvReader(fields) : fields === undefined ? lineReader : columnReader(fields)
  const readNext = (next: PageState | undefined) => read(ctx, shards, { q, range, order, ...next }, exportPageRows)
  // The first page comes before the answer starts, so that what fails at once is still a problem document.
  const first = await readNext(undefined)
  const day = new Date(ctx.now()).toISOString().slice(0, 10)
  return {
    contentType: format === 'csv' ? 'text/csv; charset=utf-8; header=present' : 'application/x-ndjson',
    fileName: `edgelog-${day}.${format}`,
    body: streamOf(ctx, { ...first, text: headOf(format, fields) + first.text }, readNext),
  }
}

/** A page as it stands in the file. */
interface TextPage {
  text: string
  next: PageState | null
}

type ReadText = (...page: Parameters<typeof readPage>) => Promise<TextPage>

function headOf(format: ExportInput['format'], fields: readonly string[] | undefined): string {
  return format === 'csv' ? csvLine(exportColumns(fields).map(({ name }) => withoutFormula(name))) : ''
}

/** Whole logs as NDJSON: the shards write the lines. */
const lineReader: ReadText = async (...page) => {
  const { rows, next } = await readLinePage(...page)
  return { text: rows.map(({ row }) => row.line).join(''), next }
}

function columnReader(fields: readonly string[]): ReadText {
  const columns = exportColumns(fields)
  return rowReader((shard, row) => ndjsonColumns(row, shard, columns))
}

function csvReader(fields: readonly string[] | undefined): ReadText {
  const columns = exportColumns(fields)
  return rowReader((shard, row) => {
    const log = logJson(row, shard)
    return csvLine(columns.map(({ value }) => csvCellText(value(log))))
  })
}

function rowReader(line: (shard: number, row: StoredRow) => string): ReadText {
  return async (...page) => {
    const { rows, next } = await readPage(...page)
    return { text: rows.map(({ shard, row }) => line(shard, row)).join(''), next }
  }
}

/** One page at a time in memory: the next is read when the receiver has taken the one before. */
export function streamOf(
  ctx: Pick<TenantCtx, 'log'>,
  first: TextPage,
  readNext: (next: PageState) => Promise<TextPage>,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  let { text, next } = first
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          // A page may be empty while the budget of one call ends before a match.
          while (text === '' && next !== null) ({ text, next } = await readNext(next))
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
