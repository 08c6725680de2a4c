import * as z from 'zod'
import { suppressionReasons, suppressionScopes } from '../../core/mails.ts'
import { emailSchema, lineSchema, pageQuery, pageSchema, timestampSchema } from '../../core/primitives.ts'

const scope = z.enum(suppressionScopes).meta({ description: '`all`, or the kind of mail that one can do without' })

export const suppressionSchema = z.object({
  email: z.string(),
  scope: z.enum(suppressionScopes),
  reason: z.enum(suppressionReasons),
  detail: z.string().nullable(),
  created_at: timestampSchema,
})
export type SuppressionJson = z.input<typeof suppressionSchema>

export const suppressionPageSchema = pageSchema(suppressionSchema)
export const listSuppressionsQuery = z.strictObject({
  ...pageQuery,
  email: emailSchema.optional(),
  scope: scope.optional(),
  reason: z.enum(suppressionReasons).optional(),
})
export const createSuppressionSchema = z.strictObject({
  email: emailSchema,
  scope: scope.default('all'),
  detail: lineSchema(500).nullable().default(null),
})
export const removeSuppressionQuery = z.strictObject({ email: emailSchema, scope })
