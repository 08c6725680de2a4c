import { problem } from '../../core/problems.ts'
import type { TenantCtx } from '../../db/context.ts'
import { archiveKey } from '../../features/tasks/files.ts'
import { createTask, startTask } from '../../features/tasks/create.ts'
import { getTask } from '../../features/tasks/get.ts'
import type { Once } from '../../features/tasks/repeat.ts'
import { checkQuery } from '../query_text.ts'
import { parseRange } from '../time_range.ts'

export interface ArchiveInput {
  q: string
  from?: string | undefined
  to?: string | undefined
}

/** Starts writing all logs that match, as they are now, to Parquet files in the object storage. */
export async function archiveLogs(ctx: TenantCtx, { q, from, to }: ArchiveInput, once?: Once) {
  checkQuery(q)
  const { fromMs, toMs } = parseRange(from, to, ctx.now())
  const task = await createTask(ctx, { kind: 'archive', params: { q, from_ms: fromMs, to_ms: toMs }, action: 'logs.archive', once })
  await startTask(ctx, task)
  return task
}

/** One file of an archive of the caller's organization, also while further ones are being written; throws `not_found`. */
export async function readArchiveFile(ctx: TenantCtx, taskId: string, n: number): Promise<R2ObjectBody> {
  const { kind, status } = await getTask(ctx, taskId)
  const isThere = kind === 'archive' && status !== 'REVOKED'
  const object = isThere ? await ctx.env.STORAGE.get(archiveKey(ctx.tenant.organizationId, taskId, n)) : null
  if (object === null) throw problem('not_found', 'The task has no such file.')
  return object
}
