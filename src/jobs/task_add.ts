import * as z from 'zod'
import type { StepOutcome, Task } from './task_step.ts'

const params = z.object({ a: z.number(), b: z.number() })

/** Adds two numbers. */
export async function addStep(_: unknown, task: Pick<Task, 'params'>): Promise<StepOutcome> {
  const { a, b } = params.parse(task.params)
  const sum = a + b
  // JSON has no infinity; a result of null would tell nothing.
  if (!Number.isFinite(sum)) return { status: 'failed', reason: 'The sum is greater than any number that JSON can hold here.' }
  return { status: 'done', result: { sum } }
}
