import * as z from 'zod'
import { waitStepsMax } from '../core/limits.ts'
import type { BaseCtx } from '../db/context.ts'
import type { StepOutcome, Task } from './task_step.ts'

const params = z.object({ seconds: z.number() })
const stateSchema = z.object({ startedMs: z.number() })

/** Waits, a part of the time between one step and the next, so that its progress can be watched and it can be stopped. */
export async function waitStep({ now }: Pick<BaseCtx, 'now'>, task: Pick<Task, 'params' | 'state'>): Promise<StepOutcome> {
  const { seconds } = params.parse(task.params)
  const nowMs = now()
  const startedMs = task.state['startedMs'] === undefined ? nowMs : stateSchema.parse(task.state).startedMs
  // A clock that was set back begins anew: the wait is never shorter than asked for.
  const elapsed = Math.max(0, nowMs - startedMs) / 1000
  const left = seconds - elapsed
  if (left <= 0) return { status: 'done', result: { waited_seconds: Math.round(elapsed) } }
  const afterSeconds = Math.min(left, Math.max(1, seconds / waitStepsMax))
  return { status: 'again', afterSeconds, progress: elapsed / seconds, state: { startedMs: Math.min(startedMs, nowMs) } }
}
