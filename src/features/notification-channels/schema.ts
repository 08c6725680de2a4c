import * as z from 'zod'
import { channelKinds } from '../../core/alerts.ts'
import { channelFailuresMax, channelRecipientsMax, channelUrlCharsMax, nameCharsMax } from '../../core/limits.ts'
import { emailSchema, lineSchema, nameSchema, pageQuery, pageSchema, patchOf, timestampSchema, uuidSchema } from '../../core/primitives.ts'

const url = z.string().min(1, 'must not be empty').max(channelUrlCharsMax).meta({
  description: 'https, a public host by its name, port 443 or 8443. It is stored encrypted and never shown again',
})
const to = z
  .array(emailSchema)
  .min(1, 'must name at least one address')
  .max(channelRecipientsMax)
  .refine((emails) => new Set(emails).size === emails.length, 'must not name an address twice')
  .meta({ description: 'Addresses that are no member’s confirmed e-mail are asked first, and written to once their owner has confirmed' })

/** The body of POST and PUT. */
export const channelSchema = z.discriminatedUnion('kind', [
  z.strictObject({ name: nameSchema, kind: z.literal('email'), to }),
  z.strictObject({ name: nameSchema, kind: z.literal('webhook'), url }),
  z.strictObject({ name: nameSchema, kind: z.literal('slack'), url }),
])
export type ChannelInput = z.output<typeof channelSchema>

export const patchChannelSchema = patchOf({ name: nameSchema, to, url })
export type ChannelPatch = z.output<typeof patchChannelSchema>

export const channelParam = z.object({ id: uuidSchema })

const shape = {
  id: z.string(),
  name: z.string(),
  kind: z.enum(channelKinds),
  to: z
    .array(z.object({ email: z.string(), confirmed: z.boolean() }))
    .nullable()
    .meta({ description: 'Of e-mail: whom it goes to. Who has not confirmed is sent nothing' }),
  host: z
    .string()
    .nullable()
    .meta({ description: 'Of a webhook and of Slack: all that is shown of the address, with its last characters' }),
  url_hint: z.string().nullable(),
  secret_hint: z.string().nullable().meta({ description: 'Last characters of the signing secret of a webhook' }),
  previous_secret_ends_at: timestampSchema
    .nullable()
    .meta({ description: 'Until then webhooks are signed with the secret before as well' }),
  created_by: z.string(),
  created_at: timestampSchema,
  updated_at: timestampSchema,
  last_attempt_at: timestampSchema.nullable(),
  last_error: z.string().nullable().meta({ description: 'Why the last attempt failed; null when it was accepted' }),
  paused_until: timestampSchema.nullable().meta({
    description: `It failed ${channelFailuresMax} times in a row for an hour: until then it is not called, unless a test or another address works`,
  }),
}
export const shownChannelSchema = z.object(shape)
export type ChannelJson = z.output<typeof shownChannelSchema>

export const secretChannelSchema = z.object({
  ...shape,
  secret: z.string().nullable().meta({
    description:
      'Signing secret of a webhook (whsec_ and base64), as Standard Webhooks has it; null for other kinds. Shown in this answer only',
  }),
})

const orderings = ['name', '-name', 'created_at', '-created_at'] as const
export const listChannelsQuery = z.strictObject({
  ...pageQuery,
  ordering: z.enum(orderings).default('name'),
  kind: z.enum(channelKinds).optional(),
  search: lineSchema(nameCharsMax).optional().meta({ description: 'Part of the name, without case for ASCII letters' }),
})
export const channelPageSchema = pageSchema(shownChannelSchema)

export const confirmEmailSchema = z.strictObject({ token: z.string().min(1).max(100) })

export const channelTestSchema = z.object({
  outcome: z
    .enum(['accepted', 'queued', 'failed'])
    .meta({ description: 'queued: a mail is on its way to each address that has confirmed; its end is not waited for' }),
  http_status: z.int().nullable(),
  answer: z.string().nullable().meta({ description: 'The beginning of what the other side said' }),
  error: z.string().nullable(),
  to: z.array(z.string()).meta({ description: 'Of e-mail: whom it was sent to' }),
})
export type ChannelTest = z.output<typeof channelTestSchema>
