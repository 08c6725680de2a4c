import * as z from 'zod'
import { mailKinds, mailStates } from '../../core/mails.ts'
import { emailSchema, pageQuery, pageSchema, timestampSchema, uuidSchema } from '../../core/primitives.ts'

const outboxMailSchema = z.object({
  id: z.string(),
  kind: z.enum(mailKinds),
  to: z.string(),
  status: z.enum(mailStates),
  error: z.string().nullable(),
  created_at: timestampSchema,
})

export const outboxQuery = z.strictObject({ ...pageQuery, to: emailSchema.optional() })
export const outboxPageSchema = pageSchema(outboxMailSchema)
export const outboxParam = z.object({ id: uuidSchema })
export type OutboxMailJson = z.input<typeof outboxMailSchema>
