import * as z from 'zod'
import { apiKeyGraceSecondsMax, apiKeyRatePerMinuteMax, nameCharsMax } from '../../core/limits.ts'
import { keyKinds, scopes } from '../../core/permissions.ts'
import { lineSchema, nameSchema, pageQuery, pageSchema, patchOf, timestampSchema, uuidSchema } from '../../core/primitives.ts'

const scopesSchema = z
  .array(z.enum(scopes))
  .min(1, 'must name at least one scope')
  .max(scopes.length)
  .transform((list) => [...new Set(list)])
const endSchema = z.iso.datetime({ offset: true, error: 'must be an RFC 3339 time' }).nullable()
const rateSchema = z
  .int()
  .min(1, 'must be at least 1')
  .max(apiKeyRatePerMinuteMax, `must be at most ${apiKeyRatePerMinuteMax}`)
  .nullable()
  .meta({ description: 'Requests a minute that this key may make; null for what the deployment allows each key' })

export const apiKeySchema = z.object({
  id: z.string(),
  name: z.string(),
  kind: z.enum(keyKinds),
  scopes: z.array(z.enum(scopes)),
  hint: z.string().meta({ description: 'The last characters of the key' }),
  created_by: z.string(),
  created_at: timestampSchema,
  updated_at: timestampSchema,
  expires_at: timestampSchema.nullable(),
  last_used_at: timestampSchema.nullable().meta({ description: 'Exact to the hour' }),
  rate_limit_per_minute: z.int().nullable(),
  previous_ends_at: timestampSchema.nullable().meta({ description: 'Until when the value from before the last rotation works' }),
})

export const createdApiKeySchema = apiKeySchema.extend({ key: z.string().meta({ description: 'The key itself; shown only here' }) })

export const createApiKeySchema = z.strictObject({
  name: nameSchema,
  kind: z.enum(keyKinds),
  scopes: scopesSchema.optional().meta({ description: 'A part of what the kind allows; all of it when absent' }),
  expires_at: endSchema.default(null),
  rate_limit_per_minute: rateSchema.default(null),
})

export const patchApiKeySchema = patchOf({
  name: nameSchema,
  scopes: scopesSchema,
  expires_at: endSchema,
  rate_limit_per_minute: rateSchema,
})

export const rotateApiKeySchema = z.strictObject({
  grace_seconds: z
    .int()
    .min(0, 'must not be negative')
    .max(apiKeyGraceSecondsMax, `must be at most ${apiKeyGraceSecondsMax}`)
    .meta({ description: 'How long the old value goes on working; 0 when it may be known to others' }),
})

export const apiKeyParam = z.object({ id: uuidSchema })

/** Fields a list can be ordered by; `-` in front turns the order around. */
const apiKeyOrderings = [
  'created_at',
  '-created_at',
  'name',
  '-name',
  'expires_at',
  '-expires_at',
  'last_used_at',
  '-last_used_at',
] as const

export const listApiKeysQuery = z.strictObject({
  ...pageQuery,
  ordering: z.enum(apiKeyOrderings).default('-created_at'),
  search: lineSchema(nameCharsMax).optional().meta({ description: 'Part of the name, without case for ASCII letters' }),
})

export const apiKeyPageSchema = pageSchema(apiKeySchema)
export type ApiKeyJson = z.input<typeof apiKeySchema>
