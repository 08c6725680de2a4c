import * as z from 'zod'
import { pageQuery, pageSchema, timestampSchema, uuidSchema } from '../../core/primitives.ts'
import { taskKinds, taskStates } from '../../core/tasks.ts'

export const taskSchema = z
  .object({
    id: z.string(),
    kind: z.enum(taskKinds),
    status: z.enum(taskStates),
    params: z.record(z.string(), z.unknown()).describe('What was asked for.'),
    progress: z.number().describe('Part that is done, 0 to 1.'),
    result: z.record(z.string(), z.unknown()).nullable().describe('What came of it, once it is over.'),
    error: z.string().nullable(),
    retries: z.int().describe('Steps that had to be tried again.'),
    created_by: z.string(),
    created_at: timestampSchema,
    updated_at: timestampSchema,
  })
  .meta({ id: 'Task' })

export const taskParam = z.object({ id: uuidSchema })

export const listTasksQuery = z.strictObject({
  ...pageQuery,
  ordering: z.enum(['created_at', '-created_at']).default('-created_at'),
  status: z.enum(taskStates).optional(),
  kind: z.enum(taskKinds).optional(),
})

export const taskPageSchema = pageSchema(taskSchema)
export type TaskJson = z.input<typeof taskSchema>
