import { gzipSync } from 'node:zlib'
import * as z from 'zod'
import { concatBytes } from '../core/bytes.ts'
import { exportPartBytes, exportPartsMax } from '../core/limits.ts'
import type { TenantCtx } from '../db/context.ts'
import type { Damage, Order, Position, TimeRange } from '../engine/query/types.ts'
import { partKey } from '../features/tasks/files.ts'
import { reportDamage } from '../search/damage.ts'
import { readFilePage } from '../search/export.ts'
import { headLine } from '../search/export_columns.ts'
import { readPage } from '../search/pages.ts'
import { queryDeps } from '../search/query_deps.ts'
import { shardsOf } from '../search/shards.ts'
import type { ExportParams } from '../search/tasks/export_params.ts'
import { exportParams } from '../search/tasks/export_params.ts'
import type { NewPart, PartEnd } from './part_file.ts'
import { positionSchema, writeOnce } from './part_file.ts'
import type { StepOutcome, Task, TaskStep } from './task_step.ts'

/** What a step leaves to the next. The first one fixes the moment that the export is of. */
const stateSchema = z.object({
  snapshot: z.array(z.tuple([z.number(), z.number()])),
  /** Times of the first and the last log in the order of the file, for the progress. */
  firstMs: z.number(),
  lastMs: z.number(),
  files: z.number(),
  /** Bytes of each object. */
  sizes: z.array(z.number()),
  rows: z.number(),
  damaged: z.number(),
  after: positionSchema.nullable(),
})
type ExportState = z.output<typeof stateSchema>

/** Text of one object, about, and objects of one export. */
export interface ExportLimits {
  partBytes: number
  partsMax: number
}

export const exportStep: TaskStep = createExportStep({ partBytes: exportPartBytes, partsMax: exportPartsMax })

/**
 * Writes what GET /logs/export gives to R2, one object a step; its download puts them together. Only the first has the head of a
 * CSV, and each is a gzip member of its own, which together are one gzip file (RFC 1952, 2.2).
 */
export function createExportStep(limits: ExportLimits): TaskStep {
  return (ctx, task) => writeNext(ctx, task, limits)
}

async function writeNext(ctx: TenantCtx, task: Task, { partBytes, partsMax }: ExportLimits): Promise<StepOutcome> {
  const params = exportParams.parse(task.params)
  if (task.state['snapshot'] === undefined) return begin(ctx, params)
  const state = stateSchema.parse(task.state)
  if (state.files === partsMax)
    return { status: 'failed', reason: `The file has ${partsMax} parts, which is the limit. Export a shorter range, or fewer columns.` }
  const key = partKey(ctx.tenant.organizationId, task.id, state.files)
  const { end, bytes } = await writeOnce(ctx, key, positionSchema, () => makePart(ctx, params, state, partBytes))
  const next = nextState(state, end, bytes)
  if (end.after !== null) return { status: 'again', afterSeconds: 1, progress: progressOf(next), state: next }
  return doneOf(ctx, params, next)
}

/** Only fixes what the export sees: were an object written with it, a repeat could write the next one of another moment. */
async function begin(ctx: TenantCtx, { q, from_ms: fromMs, to_ms: toMs, order }: ExportParams): Promise<StepOutcome> {
  const range = { fromMs, toMs }
  const deps = queryDeps(ctx)
  const shards = await shardsOf(ctx)
  const first = await readPage(deps, shards, { q, range, order }, 1)
  const { snapshot } = first
  const last = await readPage(deps, shards, { q, range, order: order === 'oldest' ? 'newest' : 'oldest', snapshot }, 1)
  const firstMs = first.rows[0]?.row.timestampMs ?? 0
  const lastMs = last.rows[0]?.row.timestampMs ?? firstMs
  const state: ExportState = { snapshot: [...snapshot], firstMs, lastMs, files: 0, sizes: [], rows: 0, damaged: 0, after: null }
  return { status: 'again', afterSeconds: 0, progress: 0, state }
}

/** Pages until there is enough for an object, the range is at its end, or the time of a step is over. */
async function makePart(ctx: TenantCtx, params: ExportParams, state: ExportState, partBytes: number): Promise<NewPart<Position>> {
  const { q, from_ms: fromMs, to_ms: toMs, order, format, fields, gzip } = params
  const listing: { q: string; range: TimeRange; order: Order } = { q, range: { fromMs, toMs }, order }
  const isFirst = state.files === 0
  const parts: Uint8Array[] = isFirst ? [new TextEncoder().encode(headLine({ format, fields }))] : []
  const snapshot = new Map(state.snapshot)
  const shards = await shardsOf(ctx)
  const deps = queryDeps(ctx)
  const damaged: Damage[] = []
  let after: Position | null = state.after
  let rows = 0
  let bytes = 0
  do {
    const page = await readFilePage(deps, shards, { ...listing, after: after ?? undefined, snapshot }, { format, fields })
    parts.push(page.bytes)
    damaged.push(...page.damaged)
    rows += page.rows
    bytes += page.bytes.length
    after = page.next?.after ?? null
  } while (after !== null && bytes < partBytes && ctx.now() < deps.endMs)
  if (damaged.length > 0) reportDamage(ctx, damaged)
  const end = { rows, damaged: new Set(damaged.map(({ segment }) => segment)).size, after }
  // The first is written also without a log: an empty file, too, has a head, or is a gzip member.
  if (rows === 0 && !isFirst) return { file: null, end }
  const text = concatBytes(...parts)
  return { file: { body: gzip ? gzipSync(text) : text, contentType: 'application/octet-stream' }, end }
}

function nextState(state: ExportState, end: PartEnd<Position>, bytes: number): ExportState {
  const wrote = end.rows > 0 || state.files === 0
  return {
    ...state,
    files: state.files + (wrote ? 1 : 0),
    sizes: wrote ? [...state.sizes, bytes] : state.sizes,
    rows: state.rows + end.rows,
    damaged: state.damaged + end.damaged,
    after: end.after,
  }
}

/** The part of the time between the first and the last log. */
function progressOf({ after, firstMs, lastMs }: ExportState): number {
  const whole = Math.abs(lastMs - firstMs)
  return after === null || whole === 0 ? 0 : Math.min(0.99, Math.abs(after.ms - firstMs) / whole)
}

function doneOf(ctx: TenantCtx, { format, gzip }: ExportParams, { files, sizes, rows, damaged }: ExportState): StepOutcome {
  const day = new Date(ctx.now()).toISOString().slice(0, 10)
  const textType = format === 'csv' ? 'text/csv; charset=utf-8; header=present' : 'application/x-ndjson'
  const fileName = `edgelog-${day}.${format}${gzip ? '.gz' : ''}`
  const bytes = sizes.reduce((sum, size) => sum + size, 0)
  return {
    status: 'done',
    result: { rows, bytes, files, file_name: fileName, ...(damaged > 0 && { damaged_parts: damaged }) },
    state: { file_name: fileName, content_type: gzip ? 'application/gzip' : textType, files, sizes },
  }
}
