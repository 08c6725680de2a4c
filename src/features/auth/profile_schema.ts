import * as z from 'zod'
import { accountPermissions, accountRoles, permissions, roles } from '../../core/permissions.ts'
import { emailSchema, patchOf, timestampSchema, uuidSchema } from '../../core/primitives.ts'
import { notificationKeys, profileFields, profileJson } from '../../core/profile.ts'
import { oneTimeTokenSchema } from '../../core/secret_schemas.ts'

const membershipSchema = z.object({
  organization_id: z.string(),
  organization_name: z.string(),
  role: z.enum(roles),
  permissions: z.array(z.enum(permissions)),
  is_default: z.boolean(),
})

const accountMembershipSchema = z.object({
  account_id: z.string(),
  account_name: z.string(),
  role: z.enum(accountRoles),
  permissions: z.array(z.enum(accountPermissions)),
})

const emailChangeSchema = z.object({
  new_email: z.string(),
  old_confirmed: z.boolean(),
  new_confirmed: z.boolean(),
  expires_at: timestampSchema,
})

export const meSchema = z.object({
  id: z.string(),
  account_id: z.string().meta({ description: 'Account that the person belongs to' }),
  email: z.string(),
  email_verified: z.boolean(),
  email_change: emailChangeSchema.nullable().meta({ description: 'A change of e-mail that waits to be confirmed' }),
  ...profileJson,
  notification_preferences: z.record(z.enum(notificationKeys), z.boolean()),
  default_organization_id: z.string().nullable(),
  is_staff: z.boolean(),
  second_factor: z.boolean().meta({ description: 'Whether logging in needs a code' }),
  created_at: timestampSchema,
  updated_at: timestampSchema,
  accounts: z.array(accountMembershipSchema).meta({ description: 'Accounts that the person manages' }),
  memberships: z.array(membershipSchema),
})

export const updateMeSchema = patchOf({
  ...profileFields,
  notification_preferences: z.strictObject({ alerts: z.boolean(), weekly_digest: z.boolean(), reports: z.boolean() }).partial().meta({
    description:
      'Mails that a person may do without, kept for when they are sent: none of them is yet. Those about the account and its security always go out',
  }),
  default_organization_id: uuidSchema.meta({ description: 'Organization that requests act in which name none; one of the memberships' }),
})

export const changeEmailSchema = z.strictObject({ new_email: emailSchema })

/** The same for everybody, so that it does not tell whether the new e-mail is known. */
export const changingEmailSchema = z.object({ new_email: z.string(), expires_at: timestampSchema, detail: z.string() })

export const confirmChangeEmailSchema = z.strictObject({ token: oneTimeTokenSchema })

export const confirmedChangeEmailSchema = z.object({
  changed: z.boolean().meta({ description: 'False while the other address has not confirmed' }),
  detail: z.string(),
})
