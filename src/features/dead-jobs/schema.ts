import * as z from 'zod'
import { queueNames } from '../../core/jobs.ts'
import { pageQuery, pageSchema, timestampSchema, uuidSchema } from '../../core/primitives.ts'

export const deadJobSchema = z
  .object({
    id: z.string(),
    queue: z.enum(queueNames),
    kind: z.string().nullable().describe('What it claims to be.'),
    body: z.unknown().describe('The message: ids of what it is about. Of one that nobody knows, texts are left out.'),
    reason: z.string(),
    attempts: z.int().describe('How often it was delivered.'),
    organization_id: z.string().nullable(),
    request_id: z.string().nullable().describe('Of the request or schedule that began it: all its log lines have it.'),
    message_id: z.string(),
    created_at: timestampSchema,
    replayed_at: timestampSchema.nullable(),
    replayed_by: z.string().nullable(),
  })
  .meta({ id: 'DeadJob' })
export type DeadJobJson = z.input<typeof deadJobSchema>

export const deadJobParam = z.object({ id: uuidSchema })

export const listDeadJobsQuery = z.strictObject({
  ...pageQuery,
  ordering: z.enum(['created_at', '-created_at']).default('-created_at'),
  queue: z.enum(queueNames).optional(),
  kind: z
    .string()
    .regex(/^[a-z][a-z_-]{0,30}$/, 'must be a word of lower-case letters')
    .optional(),
  organization_id: uuidSchema.optional(),
  replayed: z.enum(['true', 'false']).optional().meta({ description: 'Only those that were sent again, or were not' }),
})

export const deadJobPageSchema = pageSchema(deadJobSchema)
