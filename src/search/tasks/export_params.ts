import * as z from 'zod'

/** What an export keeps of its request: times as they were resolved then. */
export const exportParams = z.object({
  q: z.string(),
  from_ms: z.number(),
  to_ms: z.number(),
  order: z.enum(['newest', 'oldest']),
  format: z.enum(['csv', 'ndjson']),
  fields: z.array(z.string()).optional(),
  gzip: z.boolean(),
})
export type ExportParams = z.output<typeof exportParams>
