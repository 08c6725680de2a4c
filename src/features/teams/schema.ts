import * as z from 'zod'
import { emailCharsMax, nameCharsMax, teamDescriptionCharsMax } from '../../core/limits.ts'
import { teamRoles } from '../../core/permissions.ts'
import { lineSchema, nameSchema, pageQuery, pageSchema, patchOf, timestampSchema, uuidSchema } from '../../core/primitives.ts'

const teamRoleSchema = z.enum(teamRoles)
/** One line that may be empty. */
const descriptionSchema = z.union([z.literal(''), lineSchema(teamDescriptionCharsMax)])

export const teamSchema = z.object({
  id: z.string(),
  name: z.string(),
  description: z.string(),
  member_count: z.int(),
  created_at: timestampSchema,
  updated_at: timestampSchema,
  deleted_at: timestampSchema.nullable(),
})

export const createTeamSchema = z.strictObject({ name: nameSchema, description: descriptionSchema.default('') })
export const replaceTeamSchema = createTeamSchema
export const patchTeamSchema = patchOf({ name: nameSchema, description: descriptionSchema })

export const teamParam = z.object({ id: uuidSchema })

const teamOrderings = ['name', '-name', 'created_at', '-created_at'] as const

export const listTeamsQuery = z.strictObject({
  ...pageQuery,
  ordering: z.enum(teamOrderings).default('name'),
  search: lineSchema(nameCharsMax).optional().meta({ description: 'Part of the name, without case' }),
  deleted: z
    .enum(['true', 'false'])
    .default('false')
    .meta({ description: '`true` lists the deleted teams instead, which can be restored' }),
})

export const teamPageSchema = pageSchema(teamSchema)

export const teamMemberSchema = z.object({
  user_id: z.string(),
  email: z.string(),
  name: z.string(),
  role: teamRoleSchema,
  joined_at: timestampSchema,
})

export const addTeamMemberSchema = z.strictObject({ user_id: uuidSchema, role: teamRoleSchema.default('member') })
export const changeTeamMemberSchema = z.strictObject({ role: teamRoleSchema })
export const teamMemberParam = z.object({ id: uuidSchema, user_id: uuidSchema })

const teamMemberOrderings = ['name', '-name', 'email', '-email', 'joined_at', '-joined_at'] as const

export const listTeamMembersQuery = z.strictObject({
  ...pageQuery,
  ordering: z.enum(teamMemberOrderings).default('name'),
  search: lineSchema(emailCharsMax).optional().meta({ description: 'Part of name or e-mail, without case for ASCII letters' }),
})

export const teamMemberPageSchema = pageSchema(teamMemberSchema)
export type TeamJson = z.input<typeof teamSchema>
export type TeamMemberJson = z.input<typeof teamMemberSchema>
