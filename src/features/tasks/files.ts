import { objectDeleteKeysMax, taskLateFilesMs } from '../../core/limits.ts'
import { taskRules } from '../../core/tasks.ts'
import type { TaskKind } from '../../core/tasks.ts'
import type { BaseCtx } from '../../db/context.ts'
import type { tasks } from '../../db/schema.ts'

/** What tells which objects a task may have written. */
export type FilesOf = Pick<typeof tasks.$inferSelect, 'organizationId' | 'id' | 'kind' | 'state' | 'result'>

/** File `n`, from 0, of an archive; `organizationId` must be the authenticated one, as in all keys here. */
export function archiveKey(organizationId: string, taskId: string, n: number): string {
  return `org/${organizationId}/archive/${taskId}/${n}.parquet`
}

/** Part `n`, from 0, of the one file of an export. */
export function partKey(organizationId: string, taskId: string, n: number): string {
  return `org/${organizationId}/export/${taskId}/${n}`
}

/** What a task was sent to work on. */
export function inputKey(organizationId: string, taskId: string): string {
  return `org/${organizationId}/task-input/${taskId}.json`
}

/** Keys of all objects that a task may have: those that it counted, and the next one, which a step may just have written. */
export function fileKeys({ organizationId, id, kind, state, result }: FilesOf): string[] {
  const { files } = taskRules[kind]
  if (files === null) return []
  if (files.kind === 'input') return [inputKey(organizationId, id)]
  const keyOf = files.kind === 'archive' ? archiveKey : partKey
  const count = Math.max(Number(state['files'] ?? 0), Number(result?.['files'] ?? 0))
  return Array.from({ length: count + 1 }, (_, n) => keyOf(organizationId, id, n))
}

/**
 * When the files of a task go that ends now: what one wrote that failed is of no use, but for the whole files of an archive. Null
 * for kinds that have none.
 */
export function filesUntilOf(kind: TaskKind, status: 'SUCCESS' | 'FAILURE' | 'REVOKED', nowMs: number): number | null {
  const { files } = taskRules[kind]
  if (files === null) return null
  const isKept = status === 'SUCCESS' || (status === 'FAILURE' && files.kind === 'archive')
  // A step that is under way now may still write; the schedule removes that too.
  return nowMs + (isKept ? files.keptMs : taskLateFilesMs)
}

/** Removes objects, those that are there; what is not there is no error. */
export async function removeObjects({ env }: Pick<BaseCtx, 'env'>, keys: readonly string[]): Promise<void> {
  for (let i = 0; i < keys.length; i += objectDeleteKeysMax) await env.STORAGE.delete(keys.slice(i, i + objectDeleteKeysMax))
}
