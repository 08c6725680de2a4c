import * as z from 'zod'
import { alertNoticeKinds, notificationStates } from '../../core/alerts.ts'
import { pageQuery, pageSchema, timestampSchema, uuidSchema } from '../../core/primitives.ts'

export const listNotificationsQuery = z.strictObject({
  ...pageQuery,
  status: z.enum(notificationStates).optional(),
  channel_id: uuidSchema.optional(),
})

/** A notice on its way to one channel, or one address of it. */
export const notificationSchema = z.object({
  id: z.string(),
  notice_id: z.string().meta({ description: 'The same in all channels and retries: webhook-id of a webhook' }),
  kind: z.enum(alertNoticeKinds),
  channel_id: z.string(),
  recipient: z.string().nullable().meta({ description: 'Of e-mail: the address' }),
  status: z.enum(notificationStates).meta({ description: 'sent once the channel has accepted it' }),
  attempts: z.int(),
  error: z.string().nullable().meta({ description: 'Why the last attempt failed' }),
  next_attempt_at: timestampSchema.nullable().meta({ description: 'While it is pending' }),
  created_at: timestampSchema,
  updated_at: timestampSchema,
})
export type NotificationJson = z.output<typeof notificationSchema>
export const notificationPageSchema = pageSchema(notificationSchema)
