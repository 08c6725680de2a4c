import * as z from 'zod'
import { emailCharsMax } from '../../core/limits.ts'
import { roles } from '../../core/permissions.ts'
import { emailSchema, lineSchema, nameSchema, pageQuery, pageSchema, timestampSchema, uuidSchema } from '../../core/primitives.ts'
import { newPasswordSchema, oneTimeTokenSchema } from '../../core/secret_schemas.ts'

const roleSchema = z.enum(roles)

export const invitationSchema = z.object({
  id: z.string(),
  email: z.string(),
  role: roleSchema,
  status: z.enum(['pending', 'expired']),
  invited_by: z.string(),
  created_at: timestampSchema,
  updated_at: timestampSchema,
  expires_at: timestampSchema,
})

export const inviteSchema = z.strictObject({ email: emailSchema, role: roleSchema })

export const invitationsParam = z.object({ id: uuidSchema })
export const invitationParam = z.object({ id: uuidSchema, invitation_id: uuidSchema })

const invitationOrderings = ['created_at', '-created_at', 'email', '-email', 'expires_at', '-expires_at'] as const

export const listInvitationsQuery = z.strictObject({
  ...pageQuery,
  ordering: z.enum(invitationOrderings).default('-created_at'),
  search: lineSchema(emailCharsMax).optional().meta({ description: 'Part of the e-mail, without case for ASCII letters' }),
})

export const invitationPageSchema = pageSchema(invitationSchema)

export const previewInvitationSchema = z.strictObject({ token: oneTimeTokenSchema })
export const acceptInvitationSchema = z.strictObject({ token: oneTimeTokenSchema })

export const registerByInvitationSchema = z.strictObject({
  token: oneTimeTokenSchema,
  password: newPasswordSchema,
  name: nameSchema.optional(),
})

export const invitationPreviewSchema = z.object({
  organization_name: z.string(),
  email: z.string(),
  role: roleSchema,
  invited_by: z.string().meta({ description: 'Name of the person who invites' }),
  expires_at: timestampSchema,
  user_exists: z.boolean().meta({
    description: 'Whether a user has the e-mail: then sign in and POST /invitations/accept; else POST /invitations/register',
  }),
})

export const acceptedInvitationSchema = z.object({
  user_id: z.string(),
  organization_id: z.string(),
  organization_name: z.string(),
  role: roleSchema,
})

export type InvitationJson = z.input<typeof invitationSchema>
