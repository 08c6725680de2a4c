import * as z from 'zod'
import { emailSchema, nameSchema } from '../../core/primitives.ts'
import { newPasswordSchema } from '../../core/secret_schemas.ts'

export const registerSchema = z.strictObject({
  email: emailSchema,
  password: newPasswordSchema,
  name: nameSchema.optional(),
  organization_name: nameSchema.optional(),
})

/** The same for everybody, so that it does not tell whether the e-mail was known. */
export const registeredSchema = z.object({ email: z.string(), detail: z.string() })
