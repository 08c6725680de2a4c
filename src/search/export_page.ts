import { exportPageBytes, exportPageRows, exportRowsEnough } from '../core/limits.ts'
import { parseQuery } from '../engine/query/parser.ts'
import { compareInOrder } from '../engine/query/position.ts'
import type { TooSlow } from '../engine/query/query_error.ts'
import { tooSlowOf } from '../engine/query/query_error.ts'
import type { Order, Position } from '../engine/query/types.ts'
import type { ScanCall } from '../engine/segment/scan_call.ts'
import { targetsOf } from '../engine/segment/scan_call.ts'
import { createOpenBlocks } from '../engine/segment/scan_open.ts'
import type { SegmentReader } from '../engine/segment/scan_reader.ts'
import { readRows } from '../engine/segment/scan_rows.ts'
import { createScanRun } from '../engine/segment/scan_run.ts'
import { findRows } from '../engine/segment/scan_search.ts'
import type { SegmentScan } from '../engine/segment/scan_types.ts'
import type { ExportFormat } from './export_columns.ts'
import { lineWriter } from './export_columns.ts'

/** A line of the file that is there already, of a hot row. */
export interface HotLine {
  position: Position
  line: string
}

/** A page of an export: hot lines in order, among which sealed rows are to be put. Plain data. */
export interface ExportCall extends Omit<ScanCall, 'operation'> {
  order: Order
  after: Position | undefined
  /** The hot lines end here and there are more, so the page ends here too. */
  until: Position | undefined
  hot: readonly HotLine[]
  format: ExportFormat
}

export type ExportReply = SegmentScan<ExportPage> | TooSlow

export interface ExportPage {
  /** The page as it stands in the file, UTF-8. */
  bytes: Uint8Array<ArrayBuffer>
  /** Logs in it. */
  rows: number
  /** The next page begins behind this place; null when this is the last one. */
  frontier: Position | null
}

/** One page of an export, with all rows up to its frontier in order. It ends where a block does when it can, so that few are read twice. */
export async function runExportPage(call: ExportCall, reader: SegmentReader): Promise<ExportReply> {
  const { order, after, until, hot } = call
  const filter = parseQuery(call.q)
  const run = createScanRun(filter, call.budgetBytes, reader)
  const open = createOpenBlocks(run, filter)
  const options = { order, after, until, limit: exportPageRows, rowsEnough: exportRowsEnough }
  try {
    const found = await findRows(run, targetsOf(call), filter, options, open)
    const page = createTextPage(hot, order)
    const write = lineWriter(call.format)
    for await (const slice of readRows(run, found.rows, open)) {
      for (const { position, row } of slice) page.add(position, write(row, position.shard))
      if (page.isFull()) break
    }
    return run.finish(page.finish(found.frontier), false, found.rowsMatched)
  } catch (error) {
    return tooSlowOf(error)
  } finally {
    open.close()
  }
}

/** Text of a page as it grows, hot lines put in where they belong. */
export function createTextPage(hot: readonly HotLine[], order: Order) {
  const encoder = new TextEncoder()
  const parts: Uint8Array[] = []
  let text = ''
  let bytes = 0
  let last: Position | null = null
  let rows = 0
  let nextHot = 0

  function append(position: Position, line: string): void {
    text += line
    last = position
    rows++
    if (text.length < textPartChars) return
    flush()
  }

  function flush(): void {
    const part = encoder.encode(text)
    parts.push(part)
    bytes += part.length
    text = ''
  }

  /** Puts in the hot lines up to a place. */
  function addHot(end: Position | null): void {
    for (let each = hot[nextHot]; each !== undefined && !isFull(); each = hot[nextHot]) {
      if (end !== null && compareInOrder(order, each.position, end) > 0) return
      append(each.position, each.line)
      nextHot++
    }
  }

  const isFull = () => bytes >= exportPageBytes

  return {
    isFull,

    /** Adds a sealed row; what comes when the page is full belongs to the next one. */
    add(position: Position, line: string): void {
      addHot(position)
      if (!isFull()) append(position, line)
    },

    /** The page, when all rows up to `frontier` were added (null: all there are). */
    finish(frontier: Position | null): ExportPage {
      addHot(frontier)
      const end = isFull() ? last : frontier
      flush()
      const joined = new Uint8Array(bytes)
      let at = 0
      for (const part of parts) {
        joined.set(part, at)
        at += part.length
      }
      return { bytes: joined, rows, frontier: end }
    },
  }
}

/** Characters that are encoded together. */
const textPartChars = 64 * 1024
