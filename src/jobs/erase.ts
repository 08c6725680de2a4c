import type { TenantCtx } from '../db/context.ts'
import { listLogShards, openLogShard } from '../db/log_shards.ts'
import type { EraseProgress } from '../objects/log-shard/protocol_storage.ts'
import type { Shard } from '../search/shards.ts'
import { askAll } from '../search/shards.ts'
import { taskParams } from '../search/storage/archive_schema.ts'
import { receivedBy } from '../search/storage/erase.ts'
import type { StepOutcome, Task } from './task_step.ts'

/** Seconds between looks at the shards, which do the work by themselves. */
const lookSeconds = 5

/**
 * Looks how far the shards are with an erasure, those that there were when it was asked for. Those that the
 * request did not reach are told until each has taken it, for the rows of that time: under one id an erasure starts once.
 */
export async function eraseStep(ctx: TenantCtx, task: Task): Promise<StepOutcome> {
  const { q, from_ms: fromMs, to_ms: toMs } = taskParams.parse(task.params)
  const first = task.state['started'] !== true
  const { organizationId } = ctx.tenant
  const rows = (await listLogShards(ctx, organizationId)).filter(({ createdAt }) => createdAt <= task.createdMs)
  const shards = rows.map((row) => openLogShard(ctx, organizationId, row))
  const reports = await askAll(ctx, shards, async ({ rpc, identity }: Shard): Promise<{ progress: EraseProgress }> => {
    const progress = await rpc.eraseProgress(identity, task.id)
    if (progress.status !== 'unknown') return { progress }
    // All have taken it, so its forgetting is a fault of ours.
    if (!first) throw new Error(`shard ${identity.shard} does not know the erasure any more`)
    const { status } = await rpc.startErase(identity, { id: task.id, q: receivedBy(q, task.createdMs), range: { fromMs, toMs } })
    // It has no room yet, and is told again.
    if (status === 'too_many_erasures') return { progress }
    return { progress: await rpc.eraseProgress(identity, task.id) }
  })
  return outcomeOf(reports.map(({ progress }) => progress))
}

function outcomeOf(reports: readonly EraseProgress[]): StepOutcome {
  let erased = 0
  let damaged = 0
  let running = 0
  let untold = 0
  let reason: string | undefined
  for (const report of reports) {
    if (report.status === 'unknown') untold += 1
    if (report.status === 'running') running += 1
    if (report.status === 'failed') ({ reason } = report)
    if (report.status === 'done') damaged += report.damaged
    if (report.status !== 'unknown') erased += report.erased
  }
  if (untold + running > 0) {
    const progress = 1 - (untold + running) / reports.length
    return { status: 'again', afterSeconds: lookSeconds, progress, state: { started: untold === 0, erased } }
  }
  if (reason !== undefined) return { status: 'failed', reason: `${reason} Before that ${erased} logs were erased.` }
  return { status: 'done', result: { erased, ...(damaged > 0 && { damaged_parts: damaged }) } }
}
