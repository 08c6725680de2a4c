import { objectDeleteKeysMax } from '../../core/limits.ts'
import type { BaseCtx } from '../../db/context.ts'
import type { tasks } from '../../db/schema.ts'

/** What tells which files a task may have written. */
export type ArchiveTask = Pick<typeof tasks.$inferSelect, 'organizationId' | 'id' | 'kind' | 'state' | 'result'>

/** File `n`, from 0, of an archive; `organizationId` must be the authenticated one. */
export function archiveKey(organizationId: string, taskId: string, n: number): string {
  return `org/${organizationId}/archive/${taskId}/${n}.parquet`
}

/** Keys of all files that a task may have written: those that it counted, and the next one. None for other kinds. */
export function archiveKeys({ organizationId, id, kind, state, result }: ArchiveTask): string[] {
  if (kind !== 'archive') return []
  const files = Math.max(Number(state['files'] ?? 0), Number(result?.['files'] ?? 0))
  return Array.from({ length: files + 1 }, (_, n) => archiveKey(organizationId, id, n))
}

/** Removes objects, those that are there; what is not there is no error. */
export async function removeObjects({ env }: Pick<BaseCtx, 'env'>, keys: readonly string[]): Promise<void> {
  for (let i = 0; i < keys.length; i += objectDeleteKeysMax) await env.STORAGE.delete(keys.slice(i, i + objectDeleteKeysMax))
}
