import * as z from 'zod'
import { severities } from './severity.ts'

/** A stored log. `attributes` passes as it is: zod's own record would drop an attribute called `__proto__`. */
export const logSchema = z
  .object({
    id: z.string(),
    timestamp: z.string(),
    severity: z.enum(severities),
    source: z.string(),
    message: z.string(),
    attributes: z.unknown().meta({ type: 'object', additionalProperties: { type: ['string', 'number', 'boolean'] } }),
    created_at: z.string(),
    updated_at: z.string().nullable(),
  })
  .meta({ id: 'Log' })
