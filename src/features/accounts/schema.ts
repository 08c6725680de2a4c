import * as z from 'zod'
import { emailCharsMax, nameCharsMax } from '../../core/limits.ts'
import { accountActingRoles, accountRoles } from '../../core/permissions.ts'
import { emailSchema, lineSchema, nameSchema, pageQuery, pageSchema, patchOf, timestampSchema, uuidSchema } from '../../core/primitives.ts'

export const accountSchema = z.object({
  id: z.string(),
  name: z.string(),
  roles: z.array(z.enum(accountActingRoles)).meta({ description: 'What the caller acts as in it' }),
  created_at: timestampSchema,
  updated_at: timestampSchema,
  deleted_at: timestampSchema.nullable(),
})

export const accountMemberSchema = z.object({
  user_id: z.string(),
  email: z.string(),
  name: z.string(),
  role: z.enum(accountRoles),
  joined_at: timestampSchema,
})

export const createAccountSchema = z.strictObject({
  name: nameSchema,
  owner_email: emailSchema.meta({ description: 'A new user, who gets a mail to choose a password' }),
  owner_name: nameSchema,
})

export const putAccountSchema = z.strictObject({ name: nameSchema })
export const patchAccountSchema = patchOf(putAccountSchema.shape)
export const accountRoleSchema = z.strictObject({ role: z.enum(accountRoles) })
export const transferAccountSchema = z.strictObject({ user_id: uuidSchema })

export const accountParam = z.object({ id: uuidSchema })
export const accountMemberParam = z.object({ id: uuidSchema, user_id: uuidSchema })

const accountOrderings = ['created_at', '-created_at', 'name', '-name'] as const

export const listAccountsQuery = z.strictObject({
  ...pageQuery,
  ordering: z.enum(accountOrderings).default('-created_at'),
  search: lineSchema(nameCharsMax).optional().meta({ description: 'Part of the name, without case for ASCII letters, or the id' }),
  deleted: z
    .enum(['true', 'false'])
    .default('false')
    .meta({ description: 'Whether to list, instead of the others, those that were deleted and that the caller may restore' }),
})

const accountMemberOrderings = ['name', '-name', 'email', '-email', 'role', '-role', 'joined_at', '-joined_at'] as const

export const listAccountMembersQuery = z.strictObject({
  ...pageQuery,
  ordering: z.enum(accountMemberOrderings).default('name'),
  search: lineSchema(emailCharsMax).optional().meta({ description: 'Part of name or e-mail, without case for ASCII letters' }),
})

export const accountUsageQuery = z.strictObject({
  from: z.iso.date('must be a day as yyyy-mm-dd').optional().meta({ description: 'First day, in UTC; 30 days before `to` if absent' }),
  to: z.iso.date('must be a day as yyyy-mm-dd').optional().meta({ description: 'Last day; today if absent' }),
})

const volume = z.object({ rows: z.number(), bytes: z.number() })
const volumes = { received: volume, stored: volume }

export const accountUsageSchema = z
  .object({
    from: z.string(),
    to: z.string(),
    rolled_up_at: timestampSchema
      .nullable()
      .meta({ description: 'When the counts were last taken from the shards; null: nothing is there' }),
    days: z.array(z.object({ day: z.string(), ...volumes })),
    organizations: z.array(z.object({ id: z.string(), name: z.string(), ...volumes })),
  })
  .meta({ id: 'AccountUsage' })
export type AccountUsage = z.input<typeof accountUsageSchema>

export const accountPageSchema = pageSchema(accountSchema)
export const accountMemberPageSchema = pageSchema(accountMemberSchema)
export type AccountJson = z.input<typeof accountSchema>
export type AccountMemberJson = z.input<typeof accountMemberSchema>
