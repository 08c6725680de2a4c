import * as z from 'zod'
import { queryBytesMax, tailClientMessageCharsMax } from '../../core/limits.ts'
import { timestampSchema } from '../../core/primitives.ts'

export const ticketSchema = z
  .object({
    ticket: z.string().describe('Works once, until `expires_at`.'),
    expires_at: timestampSchema,
    url: z.string().describe('WebSocket address with the ticket; add `q` and `cursor` to it.'),
  })
  .meta({ id: 'TailTicket' })

export const tailQuery = z.strictObject({
  ticket: z.string().describe('From POST /api/v1/logs/tail-ticket.'),
  q: z.string().max(queryBytesMax).default('').describe('Filter in the query language; empty for all logs.'),
  cursor: z
    .string()
    .max(tailClientMessageCharsMax)
    .optional()
    .describe('Cursor of the last message of an earlier connection, to go on after it.'),
})
export type TailQuery = z.output<typeof tailQuery>

/** What a ticket says besides the claims that every token has. */
export const ticketClaims = z.object({
  jti: z.string(),
  exp: z.number(),
  /** `iat` counts seconds, which is too coarse to tell what came first, a ticket or the end of a right. */
  issued_ms: z.number(),
  organization_id: z.string(),
  /** Everything whose end also ends the connection, as `kind:id`. */
  holders: z.array(z.string()).min(1),
})
export type TicketClaims = z.output<typeof ticketClaims>
