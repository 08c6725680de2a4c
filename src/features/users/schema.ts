import * as z from 'zod'
import { emailCharsMax } from '../../core/limits.ts'
import { accountRoles } from '../../core/permissions.ts'
import { emailSchema, lineSchema, nameSchema, pageQuery, pageSchema, patchOf, timestampSchema, uuidSchema } from '../../core/primitives.ts'
import { profileFields, profileJson } from '../../core/profile.ts'

export const userSchema = z.object({
  id: z.string(),
  account_id: z.string(),
  account_role: z.enum(accountRoles).nullable().meta({ description: 'Role in the account; null for most' }),
  email: z.string(),
  email_verified: z.boolean(),
  ...profileJson,
  has_password: z.boolean().meta({ description: 'False until a new user has chosen one' }),
  second_factor: z.boolean(),
  is_staff: z.boolean(),
  created_at: timestampSchema,
  updated_at: timestampSchema,
  deleted_at: timestampSchema.nullable().meta({ description: 'A deleted user can be restored for 30 days' }),
})
export type UserJson = z.input<typeof userSchema>

export const createUserSchema = z.strictObject({ email: emailSchema, name: nameSchema })

/** The whole profile: what is left out is unset. */
export const replaceUserSchema = z.strictObject({
  name: profileFields.name,
  first_name: profileFields.first_name.default(null),
  last_name: profileFields.last_name.default(null),
  phone: profileFields.phone.default(null),
  birth_date: profileFields.birth_date.default(null),
  locale: profileFields.locale.default(null),
  time_zone: profileFields.time_zone.default(null),
})

export const patchUserSchema = patchOf(profileFields)

/** Fields a list can be ordered by; `-` in front turns the order around. */
const userOrderings = ['name', '-name', 'email', '-email', 'created_at', '-created_at'] as const

const accountQuery = {
  account_id: uuidSchema.optional().meta({ description: "The caller's account; staff may name any" }),
}

export const createUserQuery = z.strictObject(accountQuery)

export const listUsersQuery = z.strictObject({
  ...pageQuery,
  ...accountQuery,
  ordering: z.enum(userOrderings).default('-created_at'),
  search: lineSchema(emailCharsMax).optional().meta({ description: 'Part of a name or e-mail, without case for ASCII letters' }),
  deleted: z
    .enum(['true', 'false'])
    .default('false')
    .meta({ description: 'Lists deleted users that can be restored in place of all others' }),
})

export const userParam = z.object({ id: uuidSchema })
export const userPageSchema = pageSchema(userSchema)
