import { sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import { accountAuditStatement, auditPerson, auditStatement } from '../../db/audit.ts'
import type { UserCtx } from '../../db/context.ts'
import { deadJobs } from '../../db/schema_jobs.ts'
import type { DeadJobRow } from './json.ts'

/** What staff do with a dead job: in the log of the organization that it belongs to, or of the staff's own account; as often as `where` finds it. */
export function deadJobEntry(ctx: UserCtx, verb: 'replay' | 'delete', row: DeadJobRow, where: SQL) {
  const { id, queue, kind, requestId, organizationId } = row
  const entry = { action: `dead_job.${verb}`, target: { kind: 'dead_job', id }, details: { queue, kind, request_id: requestId } }
  const [actor, source] = [auditPerson(ctx), sql`from ${deadJobs} where ${where}`]
  return organizationId === null
    ? accountAuditStatement(ctx, { accountId: ctx.user.accountId, actor }, entry, source)
    : auditStatement(ctx, { organizationId, actor }, entry, source)
}
