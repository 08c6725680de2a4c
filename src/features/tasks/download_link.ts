import { eq } from 'drizzle-orm'
import * as z from 'zod'
import { problem } from '../../core/problems.ts'
import { taskRules } from '../../core/tasks.ts'
import type { TaskKind, TaskState } from '../../core/tasks.ts'
import { actorId, auditEntry } from '../../db/audit.ts'
import type { Actor, BaseCtx, TenantCtx } from '../../db/context.ts'
import { seal, unseal } from '../../db/sealed.ts'
import { tasks } from '../../db/schema.ts'
import { inTenant } from '../../db/tenant.ts'
import { getTask } from './get.ts'
import { requireKind, requireRight } from './require_kind.ts'

export interface DownloadLink {
  url: string
  expires_at: string
}

/** What a link carries: which file, until when (ms), and who gave it, whose right it stands on. */
const wire = z.strictObject({ o: z.uuid(), t: z.uuid(), e: z.int(), k: z.enum(['user', 'api_key']), b: z.uuid() })
export interface LinkClaims {
  organizationId: string
  taskId: string
  endsMs: number
  by: { kind: 'user' | 'api_key'; id: string }
}

/** What binds a sealed token to its use. */
const place = 'task-download'

/**
 * Makes a link that gives the file of a finished task without credentials, for a while. Throws `forbidden` for who may not read
 * the file, or has not proved who it is as its making asks for, and `conflict` when there is none (any more).
 */
export async function createDownloadLink(ctx: TenantCtx, id: string, expiresInSeconds: number): Promise<DownloadLink> {
  const task = await getTask(ctx, id)
  requireRight(ctx, task.kind)
  const filesUntilMs = task.files_until === null ? 0 : Date.parse(task.files_until)
  if (!hasFile(task) || filesUntilMs <= ctx.now()) throw problem('conflict', noFile(task))
  // A link is the file: giving one asks for what making the file asked for.
  await requireKind(ctx, task.kind)
  if (taskRules[task.kind].needs === 'account_admin' && task.created_by !== actorId(ctx.actor))
    throw problem('forbidden', 'Who made the export of an account gives it. Make one of your own.')
  // A link beyond the file's own end would promise what is not there.
  const endsMs = Math.min(ctx.now() + expiresInSeconds * 1000, filesUntilMs)
  const expiresAt = new Date(endsMs).toISOString()
  const entry = { action: 'task.download_link', target: { kind: 'task', id }, details: { kind: task.kind, expires_at: expiresAt } }
  await auditEntry(ctx, entry, tasks, inTenant(ctx, tasks, eq(tasks.id, id)))
  const token = sealLink(ctx, { organizationId: ctx.tenant.organizationId, taskId: id, endsMs, by: giverOf(ctx.actor) })
  return { url: `${ctx.config.publicUrl}/api/v1/downloads/${token}`, expires_at: expiresAt }
}

/** Whether the task is done and wrote a file that links give. */
export function hasFile({ kind, status }: { kind: TaskKind; status: TaskState }): boolean {
  return status === 'SUCCESS' && taskRules[kind].files?.kind === 'file'
}

export function sealLink({ config }: Pick<BaseCtx, 'config'>, { organizationId, taskId, endsMs, by }: LinkClaims): string {
  return seal(config.sealingKeys, place, JSON.stringify({ o: organizationId, t: taskId, e: endsMs, k: by.kind, b: by.id }))
}

/** What a token says; undefined for one that this deployment did not make, and for one that has ended. */
export function openLink({ config, now }: Pick<BaseCtx, 'config' | 'now'>, token: string): LinkClaims | undefined {
  let text: string
  try {
    text = unseal(config.sealingKeys, place, token)
  } catch {
    // Whatever is wrong with it, a stranger is told the same.
    return undefined
  }
  const { o, t, e, k, b } = wire.parse(JSON.parse(text))
  return e > now() ? { organizationId: o, taskId: t, endsMs: e, by: { kind: k, id: b } } : undefined
}

function giverOf(actor: Actor): LinkClaims['by'] {
  switch (actor.kind) {
    case 'user':
      return { kind: 'user', id: actor.userId }
    case 'api_key':
      return { kind: 'api_key', id: actor.keyId }
    case 'system':
      throw new Error('jobs give no links')
  }
}

function noFile({ kind, status }: { kind: TaskKind; status: TaskState }): string {
  if (taskRules[kind].files?.kind !== 'file') return `A task of kind ${kind} has no file.`
  return status === 'SUCCESS' ? 'The file was removed when its time was over.' : `The task has no file: ${status}.`
}
