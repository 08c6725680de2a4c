import { createHash } from 'node:crypto'
import { problem } from '../../core/problems.ts'
import type { TenantCtx } from '../../db/context.ts'
import { createTask, startTask } from '../../features/tasks/create.ts'
import { inputKey } from '../../features/tasks/files.ts'
import { findRepeated } from '../../features/tasks/repeat.ts'
import type { Once } from '../../features/tasks/repeat.ts'
import { requireKind } from '../../features/tasks/require_kind.ts'
import { checkQuery } from '../query_text.ts'
import { archiveLogs } from '../storage/archive.ts'
import { eraseLogs } from '../storage/erase.ts'
import { parseRange } from '../time_range.ts'
import type { ExportParams } from './export_params.ts'
import type { NewTaskInput } from './schema.ts'

type TaskJson = Awaited<ReturnType<typeof createTask>>
type ParamsOf<K extends NewTaskInput['kind']> = Extract<NewTaskInput, { kind: K }>['params']

/** Records and starts a task of each kind. */
const begins: { readonly [K in NewTaskInput['kind']]: (ctx: TenantCtx, params: ParamsOf<K>, once: Once | undefined) => Promise<TaskJson> } =
  {
    add: (ctx, params, once) => begun(ctx, 'add', params, once),
    wait: (ctx, params, once) => begun(ctx, 'wait', params, once),
    account_export: (ctx, params, once) => begun(ctx, 'account_export', params, once),
    process: beginProcess,
    export: (ctx, input, once) => begun(ctx, 'export', exportParamsOf(ctx, input), once),
    erase: eraseLogs,
    archive: archiveLogs,
  }

/**
 * Starts a task for a caller who may do what it does; throws 403 for any other. With an Idempotency-Key the same request makes one
 * task however often it comes, as long as that task is kept.
 */
export async function beginTask(
  ctx: TenantCtx,
  input: NewTaskInput,
  idempotencyKey: string | undefined,
): Promise<{ task: TaskJson; replayed: boolean }> {
  await requireKind(ctx, input.kind)
  const once = idempotencyKey === undefined ? undefined : { key: idempotencyKey, hash: hashOf(input) }
  const before = once && (await findRepeated(ctx, once))
  // One that still waits for its first step is begun again: what follows its row may have failed.
  if (before !== undefined && before.status !== 'PENDING') return { task: before, replayed: true }
  // The compiler cannot see that parameters and function are of the same kind.
  const begin = begins[input.kind] as (ctx: TenantCtx, params: NewTaskInput['params'], once: Once | undefined) => Promise<TaskJson>
  return { task: await begin(ctx, input.params, once), replayed: before !== undefined }
}

async function begun(
  ctx: TenantCtx,
  kind: 'add' | 'wait' | 'export' | 'account_export',
  params: Record<string, unknown>,
  once: Once | undefined,
): Promise<TaskJson> {
  const task = await createTask(ctx, { kind, params, action: `task.${kind}`, once })
  await startTask(ctx, task)
  return task
}

/** The row comes before what is worked on: were it the other way round, a crash between would leave an object that nobody knows. */
async function beginProcess(ctx: TenantCtx, input: ParamsOf<'process'>, once: Once | undefined): Promise<TaskJson> {
  const body = new TextEncoder().encode(JSON.stringify(input))
  const params =
    'text' in input ? { input: 'text', bytes: body.length } : { input: 'records', records: input.records.length, bytes: body.length }
  const task = await createTask(ctx, { kind: 'process', params, action: 'task.process', once })
  await ctx.env.STORAGE.put(inputKey(ctx.tenant.organizationId, task.id), body, {
    httpMetadata: { contentType: 'application/json' },
  }).catch((cause: unknown) => {
    throw problem('unavailable', `What was posted could not be stored; task ${task.id} will fail.`, { cause })
  })
  await startTask(ctx, task)
  return task
}

function exportParamsOf(ctx: TenantCtx, { q, from, to, ...rest }: ParamsOf<'export'>): ExportParams {
  checkQuery(q)
  const { fromMs, toMs } = parseRange(from, to, ctx.now())
  return { q, from_ms: fromMs, to_ms: toMs, ...rest }
}

function hashOf(input: NewTaskInput): string {
  return createHash('sha256').update(JSON.stringify(input)).digest('hex')
}
