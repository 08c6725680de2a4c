import * as z from 'zod'
import { recoveryCodeCharsMax, refreshTokenCharsMax } from '../../core/limits.ts'
import { emailSchema, pageQuery, pageSchema, timestampSchema, uuidSchema } from '../../core/primitives.ts'
import { typedPasswordSchema } from '../../core/secret_schemas.ts'

/** `cookie` sets HttpOnly cookies and puts no token in the body. */
const transportSchema = z.enum(['bearer', 'cookie']).default('bearer')

const totpCodeSchema = z
  .string()
  .regex(/^\d{6}$/, 'must be six digits')
  .meta({ description: 'The present code of the authenticator; each works once' })

const recoveryCodeSchema = z
  .string()
  .min(1, 'must not be empty')
  .max(recoveryCodeCharsMax, `must have at most ${recoveryCodeCharsMax} characters`)
  .meta({ description: 'One of the recovery codes; each works once' })

const notBoth = 'send a code of the authenticator or a recovery code, not both'

export const loginSchema = z
  .strictObject({
    email: emailSchema,
    password: typedPasswordSchema,
    transport: transportSchema,
    totp_code: totpCodeSchema.optional(),
    recovery_code: recoveryCodeSchema.optional(),
  })
  .refine(({ totp_code, recovery_code }) => totp_code === undefined || recovery_code === undefined, {
    path: ['recovery_code'],
    error: notBoth,
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

export const deviceKinds = ['desktop', 'mobile', 'tablet', 'tv', 'bot', 'other'] as const
export type DeviceKind = (typeof deviceKinds)[number]

const sessionSchema = z.object({
  id: z.string(),
  browser: z.string().nullable().meta({ description: 'Or the program, where it is no browser' }),
  browser_version: z.string().nullable(),
  system: z.string().nullable(),
  system_version: z.string().nullable(),
  device_kind: z.enum(deviceKinds),
  country: z.string().nullable().meta({ description: 'ISO 3166 code of where the login came from' }),
  city: z.string().nullable(),
  client_address: z.string().nullable(),
  second_factor: z.boolean().meta({ description: 'Whether a second factor was proved in it' }),
  first_seen_at: timestampSchema,
  last_seen_at: timestampSchema.meta({ description: 'Last login or refresh: exact to a quarter of an hour' }),
  expires_at: timestampSchema.meta({ description: 'Unless it is refreshed before' }),
  is_current: z.boolean().meta({ description: 'Whether it is the session of this request' }),
})
export type SessionJson = z.input<typeof sessionSchema>

const sessionOrderings = ['last_seen_at', '-last_seen_at', 'first_seen_at', '-first_seen_at'] as const

export const listSessionsQuery = z.strictObject({ ...pageQuery, ordering: z.enum(sessionOrderings).default('-last_seen_at') })
export const sessionPageSchema = pageSchema(sessionSchema)
export const sessionParam = z.object({ id: uuidSchema })

export const totpStateSchema = z.object({
  enabled: z.boolean(),
  confirmed_at: timestampSchema.nullable(),
  recovery_codes_left: z.int(),
})

export const totpSetupSchema = z.object({
  secret: z.string().meta({ description: 'Shared secret in base32, to type in; shown only here' }),
  otpauth_uri: z.string().meta({ description: 'The same as an authenticator scans it' }),
  expires_at: timestampSchema.meta({ description: 'Until when it must be confirmed' }),
})

export const confirmTotpSchema = z.strictObject({ code: totpCodeSchema })

/** One of the two codes. */
export const removeTotpSchema = z
  .strictObject({ totp_code: totpCodeSchema.optional(), recovery_code: recoveryCodeSchema.optional() })
  .refine(({ totp_code, recovery_code }) => (totp_code === undefined) !== (recovery_code === undefined), {
    path: ['totp_code'],
    error: 'send a code of the authenticator or a recovery code, one of the two',
  })

export const recoveryCodesSchema = z.object({
  recovery_codes: z.array(z.string()).meta({ description: 'Each logs in once in place of a code of the authenticator; shown only here' }),
})
