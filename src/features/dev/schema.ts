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
export const outboxMailQuery = z.strictObject({
  part: z.enum(['html']).optional().describe('Only its document, to look at; without it the whole message.'),
})
export const outboxParam = z.object({ id: uuidSchema })
export type OutboxMailJson = z.input<typeof outboxMailSchema>

/** Any text: a kind that there is not is not found. */
export const mailPreviewParam = z.object({ kind: z.string().max(64) })
export const mailPreviewQuery = z.strictObject({ sample: z.string().max(64).optional() })
