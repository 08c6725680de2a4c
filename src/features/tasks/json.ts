import { taskRules } from '../../core/tasks.ts'
import { actorMay } from '../../db/actor_may.ts'
import { actorId } from '../../db/audit.ts'
import type { TenantCtx } from '../../db/context.ts'
import type { tasks } from '../../db/schema.ts'
import type { TaskJson } from './schema.ts'

/** A stored task as the API shows it to the caller; what its steps remember stays inside. */
export function taskJson(ctx: Pick<TenantCtx, 'actor'>, row: typeof tasks.$inferSelect): TaskJson {
  const { id, kind, status, params, progress, error, retries, createdBy, createdAt, updatedAt, requestId, filesUntil } = row
  const isShown = !taskRules[kind].ownResult || createdBy === actorId(ctx.actor) || actorMay(ctx, 'tasks:write')
  return {
    id,
    kind,
    status,
    params,
    progress,
    result: isShown ? row.result : null,
    error,
    retries,
    files_until: filesUntil === null ? null : new Date(filesUntil).toISOString(),
    request_id: requestId,
    created_by: createdBy,
    created_at: new Date(createdAt).toISOString(),
    updated_at: new Date(updatedAt).toISOString(),
  }
}
