import * as z from 'zod'
import { auditTargetCharsMax } from '../../core/limits.ts'
import { lineSchema, pageQuery, pageSchema, timestampSchema, uuidSchema } from '../../core/primitives.ts'

const auditEntrySchema = z.object({
  id: z.string(),
  created_at: timestampSchema,
  action: z.string().meta({ description: '`noun.verb`' }),
  actor: z.object({
    kind: z.enum(['user', 'api_key', 'system']),
    id: z.string().nullable(),
    name: z.string().nullable().meta({ description: 'Of the user or key, while it exists' }),
    email: z.string().nullable(),
  }),
  session_id: z
    .string()
    .nullable()
    .meta({ description: 'null for acts of others in the own security log, and for those of the deployment’s staff' }),
  target: z.object({ kind: z.string(), id: z.string() }),
  details: z.record(z.string(), z.unknown()),
  changes: z
    .record(z.string(), z.object({ before: z.unknown(), after: z.unknown() }))
    .nullable()
    .meta({ description: 'Changed fields, each with its value before and after' }),
  client_address: z.string().nullable().meta({ description: 'null as `session_id` is' }),
  request_id: z.string(),
})

const timeSchema = z.iso.datetime({ offset: true, error: 'must be an RFC 3339 time' })
const word = '[a-z][a-z0-9_]{0,49}'

/** Which entries: every filter keeps those that match it. */
const filters = {
  actor: uuidSchema.optional().meta({ description: 'Id of a user or API key' }),
  action: z
    .string()
    .regex(new RegExp(`^${word}\\.(${word}|\\*)$`), 'must be an action such as api_key.revoke, or all of a noun such as api_key.*')
    .optional(),
  target_kind: z
    .string()
    .regex(new RegExp(`^${word}$`), 'must be a kind such as api_key')
    .optional(),
  target: lineSchema(auditTargetCharsMax).optional().meta({ description: 'Id of what it was done to' }),
  from: timeSchema.optional().meta({ description: 'First moment' }),
  to: timeSchema.optional().meta({ description: 'Moment behind the last one' }),
}

const cursor = uuidSchema.optional().meta({ description: 'From `next`: only entries older than this one' })

export const auditQuery = z.strictObject({ ...pageQuery, ...filters, cursor })

/** Of one person, whose target is known. */
export const securityLogQuery = z.strictObject({ ...pageQuery, action: filters.action, from: filters.from, to: filters.to, cursor })

export const auditExportQuery = z.strictObject({ ...filters, format: z.enum(['csv', 'ndjson']).default('ndjson') })

export const auditPageSchema = pageSchema(auditEntrySchema).extend({
  count_is_lower_bound: z.boolean().meta({ description: 'Only the newest entries were looked at; `next` leads on to older ones' }),
})

export const accountAuditParam = z.object({ id: uuidSchema })

export type AuditEntryJson = z.input<typeof auditEntrySchema>
export type AuditFilters = Partial<Pick<z.output<typeof auditQuery>, keyof typeof filters>>
