import * as z from 'zod'
import type { TenantCtx } from '../db/context.ts'
import { inputKey } from '../features/tasks/files.ts'
import { processInput } from '../search/tasks/process_input.ts'
import { statisticsOf } from './process_statistics.ts'
import type { StepOutcome, Task } from './task_step.ts'

/** Counts what was posted, which lies in R2. The request may have died before it was there. */
export async function processStep(ctx: TenantCtx, task: Pick<Task, 'id'>): Promise<StepOutcome> {
  const object = await ctx.env.STORAGE.get(inputKey(ctx.tenant.organizationId, task.id))
  if (object === null) return { status: 'failed', reason: 'What was posted did not arrive whole. Send it again.' }
  const input = processInput.safeParse(await object.json())
  if (!input.success) throw new Error(`the input of a task is not what was checked: ${z.prettifyError(input.error)}`)
  return { status: 'done', result: statisticsOf(input.data) }
}
