import * as z from 'zod'

export const rootSchema = z.object({
  name: z.string(),
  version: z.string(),
  links: z.record(z.string(), z.string()),
})

export const liveSchema = z.object({ status: z.literal('ok'), version: z.string() })
