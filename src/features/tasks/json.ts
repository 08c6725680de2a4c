import type { tasks } from '../../db/schema.ts'
import type { TaskJson } from './schema.ts'

/** A stored task as the API shows it; what its steps remember stays inside. */
export function taskJson(row: typeof tasks.$inferSelect): TaskJson {
  const { id, kind, status, params, progress, result, error, retries, createdBy, createdAt, updatedAt, requestId, filesUntil } = row
  return {
    id,
    kind,
    status,
    params,
    progress,
    result,
    error,
    retries,
    files_until: filesUntil === null ? null : new Date(filesUntil).toISOString(),
    request_id: requestId,
    created_by: createdBy,
    created_at: new Date(createdAt).toISOString(),
    updated_at: new Date(updatedAt).toISOString(),
  }
}
