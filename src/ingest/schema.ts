import * as z from 'zod'
import { idempotencyKeyCharsMax, ingestErrorsMax } from '../core/limits.ts'

export const ingestReply = z
  .object({
    accepted: z.number().describe('Records that are stored and durable.'),
    rejected: z.number().describe('Records that could not be kept.'),
    errors: z
      .array(z.object({ index: z.number().describe('Position of the record from 0; blank lines do not count.'), reason: z.string() }))
      .describe(`The first ${ingestErrorsMax} rejected records.`),
  })
  .meta({ id: 'IngestResult' })

/** Value of the Idempotency-Key header: printable ASCII, which every client and proxy passes unchanged. */
export const idempotencyKey = z
  .string()
  .regex(new RegExp(`^[\\x20-\\x7e]{1,${idempotencyKeyCharsMax}}$`), `must have 1 to ${idempotencyKeyCharsMax} printable ASCII characters`)
