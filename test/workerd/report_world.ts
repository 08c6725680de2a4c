import { and, eq } from 'drizzle-orm'
import { expect } from 'vitest'
import { mailParamsOf } from '../../src/db/mails.ts'
import { mails } from '../../src/db/schema_content.ts'
import { testCtx } from '../support/world.ts'
import type { World } from '../support/world.ts'

export interface Report {
  id: string
  enabled: boolean
  next_at: string | null
  last_run_at: string | null
  last_rows: number | null
  last_error: string | null
}

/** Asks for a report of errors, changed as given, as its owner or somebody else. */
export async function writeReport(world: World, definition: Record<string, unknown> = {}, as = world.owner.accessToken): Promise<Response> {
  const whole = { q: 'severity:ERROR', columns: ['message', 'user'], cron: '0 8 * * *', to_emails: [world.owner.email], ...definition }
  return world.call('/api/v1/reports', { as, json: { name: 'Errors', definition: whole } })
}

export async function createReport(world: World, definition: Record<string, unknown> = {}): Promise<Report> {
  const reply = await writeReport(world, definition)
  expect(reply.status).toBe(201)
  return reply.json()
}

export async function readReport(world: World, id: string): Promise<Report> {
  return (await world.call(`/api/v1/reports/${id}`, { as: world.owner.accessToken })).json()
}

/** The message of the run that is of this moment. */
export function reportJob({ organizationId }: World, id: string, dueMs: number) {
  return { kind: 'report', organization_id: organizationId, report_id: id, due_ms: dueMs }
}

/** The mails of a report that were written, with what they say. */
export async function reportMails({ organizationId }: World, id: string) {
  const rows = await testCtx()
    .db.select()
    .from(mails)
    .where(and(eq(mails.ownerId, organizationId), eq(mails.kind, 'report')))
  const all = rows.map((row) => ({
    to: row.recipient,
    params: mailParamsOf(testCtx(), row) as { report: { id: string }; csv_key: string },
  }))
  return all.filter(({ params }) => params.report.id === id)
}
