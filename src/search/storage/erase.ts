import { problem } from '../../core/problems.ts'
import { isTemporary } from '../../core/temporary.ts'
import { formatTimestamp } from '../../core/time.ts'
import type { TenantCtx } from '../../db/context.ts'
import { createTask, startTask } from '../../features/tasks/create.ts'
import type { Once } from '../../features/tasks/repeat.ts'
import { allOf, checkQuery } from '../query_text.ts'
import { askAll, shardsOf } from '../shards.ts'
import { parseRange } from '../time_range.ts'

export interface EraseInput {
  q: string
  from?: string | undefined
  to?: string | undefined
  all?: true | undefined
}

/**
 * Erases all logs that match and are there now. When this answers no query finds them any more; the task removes them, and
 * counts them. Throws `unavailable` when a shard did not confirm: the task is recorded then, and goes on by itself.
 */
export async function eraseLogs(ctx: TenantCtx, { q, from, to, all }: EraseInput, once?: Once): ReturnType<typeof createTask> {
  checkQuery(q)
  if (q.trim() === '' && all !== true) {
    const detail = 'An empty query matches all logs; say "all": true if that is meant.'
    throw problem('validation_failed', detail, { details: { q: [detail] } })
  }
  checkQuery(receivedBy(q, ctx.now()))
  const range = parseRange(from, to, ctx.now())
  const params = { q, from_ms: range.fromMs, to_ms: range.toMs }
  const task = await createTask(ctx, { kind: 'erase', params, action: 'logs.erase', once })
  try {
    await askAll(ctx, await shardsOf(ctx), async ({ rpc, identity }) => {
      const reply = await rpc.startErase(identity, { id: task.id, q, range })
      if (reply.status === 'started') return reply
      throw problem('conflict', `Too many erasures are at work. Task ${task.id} goes on, and begins everywhere when there is room.`)
    })
  } catch (cause) {
    if (!isTemporary(cause)) throw cause
    const detail = `Not every part of the log store has confirmed yet; task ${task.id} goes on, and erases what was received until now.`
    throw problem('unavailable', detail, { cause })
  } finally {
    // Also when a shard did not answer: the first step tells it.
    await startTask(ctx, task)
  }
  return task
}

/** The query for rows that were received until `ms`: a shard that is told late must not erase what came after the request. */
export function receivedBy(q: string, ms: number): string {
  return allOf([q, `created_at:<="${formatTimestamp(ms, 0)}"`])
}
