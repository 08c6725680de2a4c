import * as z from 'zod'
import { mailErrorCharsMax, mailEventsMax } from '../../core/limits.ts'
import type { SuppressionReason } from '../../core/mails.ts'
import { emailSchema, uuidSchema } from '../../core/primitives.ts'

/** Fields that count of an event; there are many more, and more kinds. */
const eventSchema = z.object({
  event: z.string(),
  email: emailSchema,
  sg_event_id: z.string().min(1).max(200),
  reason: z.string().optional(),
  /** Of a bounce: `bounce` for good, `blocked` for now. */
  type: z.string().optional(),
  /** Ours, of the mail it is about. */
  mail_id: uuidSchema.optional(),
})
export const eventsSchema = z.array(z.unknown()).max(mailEventsMax)

/** What an event changes. */
export interface MailEvent {
  id: string
  email: string
  reason: SuppressionReason
  detail: string
  /** The mail that did not arrive. */
  mailId: string | null
}

/** Why SendGrid did not even try: it keeps lists of its own. */
const dropped: readonly (readonly [RegExp, SuppressionReason])[] = [
  [/bounced address|invalid/i, 'bounce'],
  [/spam report/i, 'complaint'],
  [/unsubscribed/i, 'unsubscribe'],
]

/** What an event says of its address; undefined for one that stops nothing, or of a form that is not known. */
export function mailEventOf(value: unknown): MailEvent | undefined {
  const parsed = eventSchema.safeParse(value)
  if (!parsed.success) return undefined
  const { event, email, sg_event_id: id, reason: text = event, type, mail_id: mailId = null } = parsed.data
  const detail = text.slice(0, mailErrorCharsMax)
  switch (event) {
    case 'bounce':
      return type === 'blocked' ? undefined : { id, email, reason: 'bounce', detail, mailId }
    case 'dropped': {
      const reason = dropped.find(([pattern]) => pattern.test(text))?.[1]
      return reason === undefined ? undefined : { id, email, reason, detail, mailId }
    }
    // These mails did arrive.
    case 'spamreport':
      return { id, email, reason: 'complaint', detail, mailId: null }
    case 'unsubscribe':
    case 'group_unsubscribe':
      return { id, email, reason: 'unsubscribe', detail, mailId: null }
    default:
      return undefined
  }
}
