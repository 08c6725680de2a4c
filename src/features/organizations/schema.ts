import * as z from 'zod'
import { auditDaysMax, auditDaysMin, nameCharsMax } from '../../core/limits.ts'
import { actingRoles } from '../../core/permissions.ts'
import { lineSchema, nameSchema, pageQuery, pageSchema, patchOf, timestampSchema, uuidSchema } from '../../core/primitives.ts'

export const organizationSchema = z.object({
  id: z.string(),
  account_id: z.string(),
  name: z.string(),
  require_second_factor: z.boolean(),
  audit_days: z.int(),
  retention_days: z.int().nullable().meta({ description: 'Days that logs are kept; null keeps all. Change it at /logs/retention' }),
  roles: z.array(z.enum(actingRoles)).meta({ description: 'What the caller acts as in it' }),
  created_at: timestampSchema,
  updated_at: timestampSchema,
  deleted_at: timestampSchema.nullable(),
})

const requireSecondFactor = z.boolean().meta({
  description: 'Only sessions that passed a second factor may act in it. To turn it on takes such a session.',
})
const auditDays = z
  .int()
  .min(auditDaysMin, `must be at least ${auditDaysMin}`)
  .max(auditDaysMax, `must be at most ${auditDaysMax}`)
  .meta({ description: 'Days that entries of the audit log are kept' })

export const createOrganizationSchema = z.strictObject({ name: nameSchema })

export const putOrganizationSchema = z.strictObject({ name: nameSchema, require_second_factor: requireSecondFactor, audit_days: auditDays })

export const patchOrganizationSchema = patchOf(putOrganizationSchema.shape)

export const transferOrganizationSchema = z.strictObject({ user_id: uuidSchema })

export const organizationParam = z.object({ id: uuidSchema })

const organizationOrderings = ['created_at', '-created_at', 'name', '-name'] as const

export const listOrganizationsQuery = z.strictObject({
  ...pageQuery,
  ordering: z.enum(organizationOrderings).default('-created_at'),
  search: lineSchema(nameCharsMax).optional().meta({ description: 'Part of the name, without case for ASCII letters, or the id' }),
  deleted: z
    .enum(['true', 'false'])
    .default('false')
    .meta({ description: 'Whether to list, instead of the others, those that were deleted and that the caller may restore' }),
})

export const organizationPageSchema = pageSchema(organizationSchema)
export type OrganizationJson = z.input<typeof organizationSchema>
