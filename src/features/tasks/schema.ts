import * as z from 'zod'
import { downloadLinkSecondsDefault, downloadLinkSecondsMax, downloadLinkSecondsMin, downloadTokenCharsMax } from '../../core/limits.ts'
import { pageQuery, pageSchema, timestampSchema, uuidSchema } from '../../core/primitives.ts'
import { taskKinds, taskStates } from '../../core/tasks.ts'

export const taskSchema = z
  .object({
    id: z.string(),
    kind: z.enum(taskKinds),
    status: z.enum(taskStates),
    params: z.record(z.string(), z.unknown()).describe('What was asked for.'),
    progress: z.number().describe('Part that is done, 0 to 1.'),
    result: z
      .record(z.string(), z.unknown())
      .nullable()
      .describe(
        'What came of it, once it is over. That of `process` is for who posted it and for tasks:write, and is forgotten after a day.',
      ),
    error: z.string().nullable(),
    retries: z.int().describe('Steps that had to be tried again.'),
    files_until: timestampSchema
      .nullable()
      .describe('When its files are removed; null while it is at work, and when it has none (any more).'),
    request_id: z.string().nullable().describe('Of the request that began it, as in its answer and in the log of the service.'),
    created_by: z.string().describe('User or API key.'),
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
  mine: z.enum(['true', 'false']).optional().describe('Only those that the caller began, or only those of others.'),
})

export const downloadLinkJson = z.strictObject({
  expires_in_seconds: z.int().min(downloadLinkSecondsMin).max(downloadLinkSecondsMax).default(downloadLinkSecondsDefault),
})

export const downloadLinkSchema = z.object({
  url: z.string().describe('Gives the file to whoever has it, without credentials.'),
  expires_at: timestampSchema.describe('When the link ends; the file may end earlier: `files_until`.'),
})

export const downloadParam = z.object({ token: z.string().max(downloadTokenCharsMax) })

export const taskPageSchema = pageSchema(taskSchema)
export type TaskJson = z.input<typeof taskSchema>
