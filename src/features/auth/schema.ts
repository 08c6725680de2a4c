import * as z from 'zod'
import { permissions, roles } from '../../core/permissions.ts'
import { emailSchema, nameSchema, timestampSchema } from '../../core/primitives.ts'
import { newPasswordSchema } from '../../core/secret_schemas.ts'

export const registerSchema = z.strictObject({
  email: emailSchema,
  password: newPasswordSchema,
  name: nameSchema.optional(),
  organization_name: nameSchema.optional(),
})

/** The same for everybody, so that it does not tell whether the e-mail was known. */
export const registeredSchema = z.object({ email: z.string(), detail: z.string() })

const membershipSchema = z.object({
  organization_id: z.string(),
  organization_name: z.string(),
  role: z.enum(roles),
  permissions: z.array(z.enum(permissions)),
  is_default: z.boolean(),
})

export const meSchema = z.object({
  id: z.string(),
  email: z.string(),
  name: z.string(),
  created_at: timestampSchema,
  memberships: z.array(membershipSchema),
})
