import * as z from 'zod'
import { refreshTokenCharsMax } from '../../core/limits.ts'
import { permissions, roles } from '../../core/permissions.ts'
import { emailSchema, nameSchema, timestampSchema } from '../../core/primitives.ts'
import { newPasswordSchema, typedPasswordSchema } from '../../core/secret_schemas.ts'

export const registerSchema = z.strictObject({
  email: emailSchema,
  password: newPasswordSchema,
  name: nameSchema.optional(),
  organization_name: nameSchema.optional(),
})

/** The same for everybody, so that it does not tell whether the e-mail was known. */
export const registeredSchema = z.object({ email: z.string(), detail: z.string() })

/** `cookie` sets HttpOnly cookies and puts no token in the body. */
const transportSchema = z.enum(['bearer', 'cookie']).default('bearer')

export const loginSchema = z.strictObject({
  email: emailSchema,
  password: typedPasswordSchema,
  transport: transportSchema,
})

export const refreshSchema = z.strictObject({
  refresh_token: z
    .string()
    .max(refreshTokenCharsMax, 'is no refresh token')
    .optional()
    .meta({ description: 'Not needed where the refresh cookie is sent; the answer then sets cookies too' }),
})

export const tokensSchema = z.object({
  transport: z.enum(['bearer', 'cookie']),
  access_token: z.string().optional(),
  token_type: z.literal('Bearer').optional(),
  expires_in: z.int().meta({ description: 'Seconds that the access token is good for' }),
  refresh_token: z.string().optional(),
  refresh_expires_at: timestampSchema,
})

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
