import type { deadJobs } from '../../db/schema_jobs.ts'
import type { DeadJobJson } from './schema.ts'

export type DeadJobRow = typeof deadJobs.$inferSelect

export function deadJobJson(row: DeadJobRow): DeadJobJson {
  const { id, queue, kind, body, reason, attempts, organizationId, requestId, messageId, createdAt, replayedAt, replayedBy } = row
  return {
    id,
    queue,
    kind,
    body: JSON.parse(body) as unknown,
    reason,
    attempts,
    organization_id: organizationId,
    request_id: requestId,
    message_id: messageId,
    created_at: new Date(createdAt).toISOString(),
    replayed_at: replayedAt === null ? null : new Date(replayedAt).toISOString(),
    replayed_by: replayedBy,
  }
}
