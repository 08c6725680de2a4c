import { ByteWriter } from 'hyparquet-writer'
import * as z from 'zod'
import { archiveFileCharsMax, archiveFileRowsMax, archiveFilesMax, archivePageRows } from '../core/limits.ts'
import type { TenantCtx } from '../db/context.ts'
import { noteRows } from '../engine/parquet/attribute_types.ts'
import type { AttributeTypes } from '../engine/parquet/attribute_types.ts'
import type { ParquetRow } from '../engine/parquet/columns.ts'
import { createParquetFile } from '../engine/parquet/writer.ts'
import type { Position, TimeRange } from '../engine/query/types.ts'
import type { StoredRow } from '../engine/row.ts'
import { archiveKey } from '../features/tasks/files.ts'
import { taskParams } from '../search/storage/archive_schema.ts'
import { readPage } from '../search/pages.ts'
import { queryDeps } from '../search/query_deps.ts'
import { shardsOf } from '../search/shards.ts'
import { positionSchema, writeOnce } from './part_file.ts'
import type { StepOutcome, Task, TaskStep } from './task_step.ts'

/** What a step leaves to the next. The first one fixes the moment that the archive is of. */
const stateSchema = z.object({
  snapshot: z.array(z.tuple([z.number(), z.number()])),
  startMs: z.number(),
  files: z.number(),
  rows: z.number(),
  bytes: z.number(),
  /** Parts of segments that could not be read; their rows are missing. */
  damaged: z.number(),
  after: positionSchema.nullable(),
})
type ArchiveState = z.output<typeof stateSchema>

/** Bounds of one step, which writes one file, and of an archive. */
export interface ArchiveLimits {
  fileRowsMax: number
  fileCharsMax: number
  pageRows: number
  filesMax: number
}

export const archiveStep: TaskStep = createArchiveStep({
  fileRowsMax: archiveFileRowsMax,
  fileCharsMax: archiveFileCharsMax,
  pageRows: archivePageRows,
  filesMax: archiveFilesMax,
})

/**
 * Writes the rows of a range that match to Parquet files, oldest first, one file a step. A file is written only if it
 * is not there yet, so that steps that run twice, even at once, leave one archive without gap or repeat.
 */
export function createArchiveStep(limits: ArchiveLimits): TaskStep {
  return (ctx, task) => writeNext(ctx, task, limits)
}

async function writeNext(ctx: TenantCtx, task: Task, limits: ArchiveLimits): Promise<StepOutcome> {
  const { q, from_ms: fromMs, to_ms: toMs } = taskParams.parse(task.params)
  const range = { fromMs, toMs }
  if (task.state['snapshot'] === undefined) return begin(ctx, q, range)
  const state = stateSchema.parse(task.state)
  if (state.files === limits.filesMax) {
    return { status: 'failed', reason: `It has ${limits.filesMax} files, which are kept. Archive the rest of the range by another task.` }
  }
  const key = archiveKey(ctx.tenant.organizationId, task.id, state.files)
  const { end, bytes } = await writeOnce(ctx, key, positionSchema, async () => {
    const { rows, damaged, after } = await readRows(ctx, q, range, state, limits)
    // Nothing is left, or nothing was found within the time of a step: no file, and a repeat looks again.
    const file = rows.length === 0 ? null : { body: encode(rows), contentType: 'application/vnd.apache.parquet' }
    return { file, end: { rows: rows.length, damaged, after } }
  })
  const next = {
    ...state,
    files: state.files + (end.rows === 0 ? 0 : 1),
    rows: state.rows + end.rows,
    bytes: state.bytes + bytes,
    damaged: state.damaged + end.damaged,
    after: end.after,
  }
  if (end.after === null) return { status: 'done', result: resultOf(ctx, task.id, next) }
  return { status: 'again', afterSeconds: 1, progress: progressOf(next, toMs, task.createdMs), state: next }
}

/** Only fixes what the archive sees: were a file written with it, a repeat could write the next one of another moment. */
async function begin(ctx: TenantCtx, q: string, range: TimeRange): Promise<StepOutcome> {
  const page = await readPage(queryDeps(ctx), await shardsOf(ctx), { q, range, order: 'oldest' }, 1)
  const startMs = page.rows[0]?.row.timestampMs ?? range.fromMs
  const state: ArchiveState = { snapshot: [...page.snapshot], startMs, files: 0, rows: 0, bytes: 0, damaged: 0, after: null }
  return { status: 'again', afterSeconds: 0, progress: 0, state }
}

/** Rows until a file is full, the range is at its end, or the time of a step is over; the place where the next file begins. */
async function readRows(ctx: TenantCtx, q: string, range: TimeRange, state: ArchiveState, limits: ArchiveLimits) {
  const { fileRowsMax, fileCharsMax, pageRows } = limits
  const shards = await shardsOf(ctx)
  const snapshot = new Map(state.snapshot)
  const deps = queryDeps(ctx)
  const rows: ParquetRow[] = []
  let after: Position | null = state.after
  let chars = 0
  const damaged = new Set<string>()
  do {
    const limit = Math.min(pageRows, fileRowsMax - rows.length)
    const page = await readPage(deps, shards, { q, range, order: 'oldest', after: after ?? undefined, snapshot }, limit)
    for (const { shard, row } of page.rows) {
      rows.push({ shard, row })
      chars += charsOf(row)
    }
    for (const { segment } of page.damaged) damaged.add(segment)
    after = page.next?.after ?? null
  } while (after !== null && rows.length < fileRowsMax && chars < fileCharsMax && ctx.now() < deps.endMs)
  return { rows, damaged: damaged.size, after }
}

function encode(rows: readonly ParquetRow[]): Uint8Array {
  const types: AttributeTypes = new Map()
  noteRows(
    types,
    rows.map(({ row }) => row),
  )
  const writer = new ByteWriter()
  const file = createParquetFile(types, writer)
  file.add(rows)
  file.finish()
  return writer.getBytes()
}

/** About what a row's text takes in memory, in characters. */
function charsOf({ source, message, attributes }: StoredRow): number {
  let chars = source.length + message.length
  for (const value of Object.values(attributes)) chars += typeof value === 'string' ? value.length : 8
  return chars
}

/** The part of the time between the first row and the end of the range; rows are rarely later than the request. */
function progressOf({ after, startMs }: ArchiveState, toMs: number, createdMs: number): number {
  const endMs = Math.max(Math.min(toMs, createdMs), startMs + 1)
  return after === null ? 0 : Math.min(0.99, (after.ms - startMs) / (endMs - startMs))
}

function resultOf(ctx: TenantCtx, taskId: string, { files, rows, bytes, damaged }: ArchiveState): Record<string, unknown> {
  const urls = {
    first_file: `/api/v1/tasks/${taskId}/files/0`,
    prefix: archiveKey(ctx.tenant.organizationId, taskId, 0).replace(/0\.parquet$/, ''),
  }
  return { files, rows, bytes, ...(files > 0 && urls), ...(damaged > 0 && { damaged_parts: damaged }) }
}
