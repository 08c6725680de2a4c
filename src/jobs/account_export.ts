import { asc, eq, sql } from 'drizzle-orm'
import * as z from 'zod'
import { accountExportPageRows, accountExportPartBytes, exportPartsMax } from '../core/limits.ts'
import { personMayInAccount } from '../db/actor_may.ts'
import type { TenantCtx } from '../db/context.ts'
import { rowJson } from '../db/row_json.ts'
import { organizations } from '../db/schema.ts'
import { accountLeftOut } from '../features/tasks/account_left_out.ts'
import { accountSections, organizationSections } from '../features/tasks/account_sections.ts'
import { partKey } from '../features/tasks/files.ts'
import type { NewPart } from './part_file.ts'
import { writeOnce } from './part_file.ts'
import type { StepOutcome, Task, TaskStep } from './task_step.ts'

/** Where the file goes on: in a section of the account, or of one of its organizations, behind a row. */
const placeSchema = z.object({
  organizationId: z.string().nullable(),
  section: z.number(),
  after: z.array(z.union([z.string(), z.number()])).nullable(),
})
type Place = z.output<typeof placeSchema>

const stateSchema = z.object({
  files: z.number(),
  sizes: z.array(z.number()),
  rows: z.number(),
  place: placeSchema,
})
type ExportState = z.output<typeof stateSchema>

/** Rows of a page, and text of an object, about. */
export interface AccountExportLimits {
  pageRows: number
  partBytes: number
}

const beginning: ExportState = { files: 0, sizes: [], rows: 0, place: { organizationId: null, section: 0, after: null } }
const newline = new TextEncoder().encode('\n').length

export const accountExportStep: TaskStep = createAccountExportStep({ pageRows: accountExportPageRows, partBytes: accountExportPartBytes })

/**
 * Writes all that the control plane keeps for the account, as NDJSON: a line that tells what it is, then a line a row, each with the
 * name of its section. One object a step. Whoever asked must have a role in the account still, at every step.
 */
export function createAccountExportStep(limits: AccountExportLimits): TaskStep {
  return (ctx, task) => writeNext(ctx, task, limits)
}

async function writeNext(ctx: TenantCtx, task: Task, limits: AccountExportLimits): Promise<StepOutcome> {
  if (!(await mayStill(ctx, task.createdBy)))
    return { status: 'failed', reason: 'Whoever asked for it has no role in the account any more.' }
  const state = task.state['files'] === undefined ? beginning : stateSchema.parse(task.state)
  if (state.files === exportPartsMax) return { status: 'failed', reason: `The file has ${exportPartsMax} parts, which is the limit.` }
  const key = partKey(ctx.tenant.organizationId, task.id, state.files)
  const { end, bytes } = await writeOnce(ctx, key, placeSchema, () => makePart(ctx, task, state, limits))
  const next = { files: state.files + 1, sizes: [...state.sizes, bytes], rows: state.rows + end.rows }
  if (end.after !== null) {
    const progress = await progressOf(ctx, end.after)
    return { status: 'again', afterSeconds: 1, progress, state: { ...next, place: end.after } }
  }
  const fileName = `edgelog-account-${new Date(ctx.now()).toISOString().slice(0, 10)}.ndjson`
  return {
    status: 'done',
    result: { rows: next.rows, bytes: next.sizes.reduce((sum, size) => sum + size, 0), files: next.files, file_name: fileName },
    state: { file_name: fileName, content_type: 'application/x-ndjson', files: next.files, sizes: next.sizes },
  }
}

/** What a step left behind must not outlive the right to it. */
async function mayStill({ db, tenant: { accountId } }: TenantCtx, userId: string): Promise<boolean> {
  const [row] = await db.select({ may: sql<number>`${personMayInAccount('account:audit', { userId, accountId })}` }).from(sql`(select 1)`)
  return row?.may === 1
}

async function makePart(
  ctx: TenantCtx,
  task: Task,
  state: ExportState,
  { pageRows, partBytes }: AccountExportLimits,
): Promise<NewPart<Place>> {
  const encoder = new TextEncoder()
  const endMs = ctx.now() + stepMs
  const lines: string[] = state.files === 0 ? [headOf(ctx)] : []
  let bytes = 0
  let rows = 0
  let place: Place | null = state.place
  while (place !== null && bytes < partBytes && ctx.now() < endMs) {
    const read = await readPage(ctx, task, place, pageRows)
    for (const line of read.lines) {
      lines.push(line)
      bytes += encoder.encode(line).length + newline
    }
    rows += read.lines.length
    place = read.next
  }
  const body = encoder.encode(lines.map((line) => `${line}\n`).join(''))
  return { file: { body, contentType: 'application/x-ndjson' }, end: { rows, damaged: 0, after: place } }
}

/** A step ends after this, well before the limits of an invocation: a page of an empty section is no byte, and there may be thousands. */
const stepMs = 5_000

function headOf({ tenant, now }: TenantCtx): string {
  const head = { format: 'edgelog-account', version: 1, account_id: tenant.accountId, exported_at: new Date(now()).toISOString() }
  return JSON.stringify({ ...head, not_included: accountLeftOut })
}

/** One page of rows as lines, and where the next begins: in the section, in the next one, or in the next organization. */
async function readPage(ctx: TenantCtx, task: Task, place: Place, limit: number): Promise<{ lines: string[]; next: Place | null }> {
  const { organizationId, section: number, after } = place
  const sections = organizationId === null ? accountSections : organizationSections
  const section = sections[number]
  if (section === undefined) return { lines: [], next: await nextOrganization(ctx, organizationId) }
  const { accountId } = ctx.tenant
  const scope = { accountId, organizationId: organizationId ?? '', requestedBy: task.createdBy }
  const found = await section.page(ctx, scope, after, limit)
  const last = found.at(-1)
  const lines = found.map((row) => JSON.stringify({ section: section.name, ...rowJson(row) }))
  if (found.length < limit || last === undefined) return { lines, next: { organizationId, section: number + 1, after: null } }
  return { lines, next: { organizationId, section: number, after: z.array(z.union([z.string(), z.number()])).parse(section.keyOf(last)) } }
}

async function nextOrganization({ db, tenant: { accountId } }: TenantCtx, behind: string | null): Promise<Place | null> {
  const [row] = await db
    .select({ id: organizations.id })
    .from(organizations)
    .where(sql`${eq(organizations.accountId, accountId)} and ${organizations.id} > ${behind ?? ''}`)
    .orderBy(asc(organizations.id))
    .limit(1)
  return row === undefined ? null : { organizationId: row.id, section: 0, after: null }
}

/** The part of the organizations that is done. */
async function progressOf({ db, tenant: { accountId } }: TenantCtx, { organizationId, section }: Place): Promise<number> {
  const behind = sql<number>`count(*) filter (where ${organizations.id} < ${organizationId ?? ''})`
  const [row] = await db
    .select({ all: sql<number>`count(*)`, behind })
    .from(organizations)
    .where(eq(organizations.accountId, accountId))
  const share = organizationId === null ? section / accountSections.length : section / organizationSections.length
  // The account itself counts as one.
  const done = organizationId === null ? share : 1 + (row?.behind ?? 0) + share
  return Math.min(0.99, done / ((row?.all ?? 0) + 1))
}
