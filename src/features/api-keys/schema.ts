import * as z from 'zod'
import { nameCharsMax } from '../../core/limits.ts'
import { keyKinds, scopes } from '../../core/permissions.ts'
import { lineSchema, nameSchema, pageQuery, pageSchema, timestampSchema, uuidSchema } from '../../core/primitives.ts'

const scopeSchema = z.enum(scopes)

export const apiKeySchema = z.object({
  id: z.string(),
  name: z.string(),
  kind: z.enum(keyKinds),
  scopes: z.array(scopeSchema),
  hint: z.string().meta({ description: 'The last characters of the key' }),
  created_by: z.string(),
  created_at: timestampSchema,
  updated_at: timestampSchema,
  expires_at: timestampSchema.nullable(),
  last_used_at: timestampSchema.nullable().meta({ description: 'Exact to the hour' }),
})

export const createdApiKeySchema = apiKeySchema.extend({ key: z.string().meta({ description: 'The key itself; shown only here' }) })

export const createApiKeySchema = z.strictObject({
  name: nameSchema,
  kind: z.enum(keyKinds),
  scopes: z
    .array(scopeSchema)
    .min(1, 'must name at least one scope')
    .max(scopes.length)
    .transform((list) => [...new Set(list)])
    .optional()
    .meta({ description: 'A part of what the kind allows; all of it when absent' }),
  expires_at: z.iso.datetime({ offset: true, error: 'must be an RFC 3339 time' }).nullable().default(null),
})

export const patchApiKeySchema = z.strictObject({ name: nameSchema })

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
