import { sql } from 'drizzle-orm'
import { personExportPageRows, personExportRowsMax } from '../../core/limits.ts'
import { streamParts } from '../../core/stream_parts.ts'
import { accountAuditStatement, auditPerson } from '../../db/audit.ts'
import type { UserCtx } from '../../db/context.ts'
import { rowJson } from '../../db/row_json.ts'
import { leftOut } from './export_me_columns.ts'
import { exportSections } from './export_me_rows.ts'
import type { ExportRow, ExportSection } from './export_me_section.ts'
import { takePlace } from './throttle.ts'

export interface PersonExport {
  fileName: string
  /** One JSON document. Reads the next rows only when those before are taken; a failure on the way breaks it off. */
  body: ReadableStream<Uint8Array>
}

/** How much is read at a time and taken of a section at most; tests give their own. */
export interface ExportBounds {
  pageRows: number
  rowsMax: number
}

const bounds: ExportBounds = { pageRows: personExportPageRows, rowsMax: personExportRowsMax }

/** All that is known of the caller, as far as it is the caller's (GDPR, article 15). */
export async function exportMe(ctx: UserCtx, { pageRows, rowsMax } = bounds): Promise<PersonExport> {
  await takePlace(ctx, { kind: 'export', subject: ctx.user.id, source: ctx.user.id })
  const origin = { accountId: ctx.user.accountId, actor: auditPerson(ctx) }
  await accountAuditStatement(ctx, origin, { action: 'user.export', target: { kind: 'user', id: ctx.user.id } }, sql`where true`)
  const day = new Date(ctx.now()).toISOString().slice(0, 10)
  const body = await streamParts(ctx.log, 'export of a person', documentOf(ctx, { pageRows, rowsMax }))
  return { fileName: `edgelog-person-${day}.json`, body }
}

/** The document in parts, each some rows: the first has some already, so that the database was asked before the answer starts. */
async function* documentOf(ctx: UserCtx, { pageRows, rowsMax }: ExportBounds): AsyncGenerator<string, void> {
  const head = { format: 'edgelog-person', version: 1, exported_at: new Date(ctx.now()).toISOString(), not_included: leftOut }
  let before = JSON.stringify(head).slice(0, -1)
  const cut: string[] = []
  for (const section of exportSections) {
    before += `,\n${JSON.stringify(section.name)}:[`
    if (!(yield* rowsOf(ctx, section, { pageRows, rowsMax }, before))) cut.push(section.name)
    before = ']'
  }
  yield `${before},\n"cut_at_${rowsMax}_rows":${JSON.stringify(cut)}}\n`
}

/** `before` and then the rows; answers whether these are all of the section. */
async function* rowsOf(
  ctx: UserCtx,
  section: ExportSection,
  { pageRows, rowsMax }: ExportBounds,
  before: string,
): AsyncGenerator<string, boolean> {
  let text = before
  let last: ExportRow | undefined
  for (let offset = 0; offset < rowsMax;) {
    const limit = Math.min(pageRows, rowsMax - offset)
    const rows = await section.page(ctx, { offset, limit, last })
    yield text + rows.map((row, i) => `${offset + i === 0 ? '\n' : ',\n'}${JSON.stringify(rowJson(row))}`).join('')
    text = ''
    if (rows.length < limit) return true
    offset += rows.length
    last = rows.at(-1)
  }
  return (await section.page(ctx, { offset: rowsMax, limit: 1, last })).length === 0
}
