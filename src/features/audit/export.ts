import { eq, sql } from 'drizzle-orm'
import type * as z from 'zod'
import { csvLine, withoutFormula } from '../../core/csv.ts'
import { auditExportWindowRows } from '../../core/limits.ts'
import { streamParts } from '../../core/stream_parts.ts'
import { auditOrigin, auditStatement } from '../../db/audit.ts'
import type { TenantCtx } from '../../db/context.ts'
import { organizations } from '../../db/schema.ts'
import { auditEntryJson, countEntries, readEntries } from './entries.ts'
import { organizationSource } from './list.ts'
import type { AuditEntryJson, auditExportQuery } from './schema.ts'

type ExportQuery = z.output<typeof auditExportQuery>

export interface AuditExport {
  contentType: string
  fileName: string
  /** Reads the next page only when the receiver has taken the one before. */
  body: ReadableStream<Uint8Array>
}

/** Every entry that matches, newest first, in one file. That it was taken is an entry of its own, which comes with the next one. */
export async function exportAuditLog(ctx: TenantCtx, query: ExportQuery): Promise<AuditExport> {
  const { format, ...filters } = query
  // Its first page is read before the entry is written.
  const body = await streamParts(ctx.log, 'export of the audit log', pagesOf(ctx, query))
  const id = ctx.tenant.organizationId
  const entry = { action: 'audit_log.export', target: { kind: 'organization', id }, details: { format, ...filters } }
  await auditStatement(ctx, auditOrigin(ctx), entry, sql`from ${organizations} where ${eq(organizations.id, id)}`)
  const day = new Date(ctx.now()).toISOString().slice(0, 10)
  return {
    contentType: format === 'csv' ? 'text/csv; charset=utf-8; header=present' : 'application/x-ndjson',
    fileName: `edgelog-audit-${day}.${format}`,
    body,
  }
}

/** The file page by page; a page without a match is empty text. */
async function* pagesOf(ctx: TenantCtx, { format, from, to, ...filters }: ExportQuery): AsyncGenerator<string, void> {
  const source = organizationSource(ctx)
  const line = format === 'csv' ? csvOf : (entry: AuditEntryJson) => `${JSON.stringify(entry)}\n`
  let head = format === 'csv' ? csvLine(columns.map(([name]) => name)) : ''
  let cursor: string | undefined
  for (;;) {
    const window = { from, to, cursor, rowsMax: auditExportWindowRows }
    const [[counted], rows] = await ctx.db.batch([
      countEntries(ctx, source, window, {}),
      readEntries(ctx, source, window, filters, { limit: auditExportWindowRows, offset: 0 }),
    ])
    yield head + rows.map((row) => line(auditEntryJson(row))).join('')
    head = ''
    if (counted === undefined || counted.oldest === null || counted.examined < auditExportWindowRows) return
    cursor = counted.oldest
  }
}

const columns: readonly [string, (entry: AuditEntryJson) => unknown][] = [
  ['created_at', (entry) => entry.created_at],
  ['action', (entry) => entry.action],
  ['actor_kind', ({ actor }) => actor.kind],
  ['actor_id', ({ actor }) => actor.id],
  ['actor_name', ({ actor }) => actor.name],
  ['actor_email', ({ actor }) => actor.email],
  ['target_kind', ({ target }) => target.kind],
  ['target_id', ({ target }) => target.id],
  ['details', (entry) => entry.details],
  ['changes', (entry) => entry.changes],
  ['client_address', (entry) => entry.client_address],
  ['session_id', (entry) => entry.session_id],
  ['request_id', (entry) => entry.request_id],
  ['id', (entry) => entry.id],
]

function csvOf(entry: AuditEntryJson): string {
  return csvLine(
    columns.map(([, value]) => {
      const cell = value(entry)
      if (cell === null || cell === undefined) return ''
      return typeof cell === 'string' ? withoutFormula(cell) : JSON.stringify(cell)
    }),
  )
}
