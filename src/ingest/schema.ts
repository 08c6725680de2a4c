import * as z from 'zod'
import { ingestErrorsMax } from '../core/limits.ts'

export const ingestReply = z
  .object({
    accepted: z.number().describe('Records that are stored and durable.'),
    rejected: z.number().describe('Records that could not be kept.'),
    errors: z
      .array(z.object({ index: z.number().describe('Position of the record from 0; blank lines do not count.'), reason: z.string() }))
      .describe(`The first ${ingestErrorsMax} rejected records.`),
  })
  .meta({ id: 'IngestResult' })
