import * as z from 'zod'
import { unsubscribeTokenCharsMax } from '../../core/limits.ts'

export const unsubscribeQuery = z.strictObject({
  token: z
    .string()
    .max(unsubscribeTokenCharsMax)
    .regex(/^[\w-]+\.[\w-]+$/, 'is no token of a mail'),
})
