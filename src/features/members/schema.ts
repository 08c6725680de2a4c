import * as z from 'zod'
import { emailCharsMax } from '../../core/limits.ts'
import { roles } from '../../core/permissions.ts'
import { lineSchema, pageQuery, pageSchema, timestampSchema, uuidSchema } from '../../core/primitives.ts'

export const roleSchema = z.enum(roles)

export const memberSchema = z.object({
  user_id: z.string(),
  email: z.string(),
  name: z.string(),
  role: roleSchema,
  joined_at: timestampSchema,
})

export const changeMemberSchema = z.strictObject({ role: roleSchema })

export const organizationParam = z.object({ id: uuidSchema })
export const memberParam = z.object({ id: uuidSchema, user_id: uuidSchema })

/** Fields a list can be ordered by; `-` in front turns the order around. Roles are ordered by rank, the highest first. */
const memberOrderings = ['name', '-name', 'email', '-email', 'role', '-role', 'joined_at', '-joined_at'] as const

export const listMembersQuery = z.strictObject({
  ...pageQuery,
  ordering: z.enum(memberOrderings).default('name'),
  search: lineSchema(emailCharsMax).optional().meta({ description: 'Part of name or e-mail, without case for ASCII letters' }),
  role: roleSchema.optional(),
})

export const memberPageSchema = pageSchema(memberSchema)
export type MemberJson = z.input<typeof memberSchema>
