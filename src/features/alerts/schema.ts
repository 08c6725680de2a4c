import * as z from 'zod'
import { alertGroupKey, alertSeverities, alertStates } from '../../core/alerts.ts'
import { nameCharsMax } from '../../core/limits.ts'
import { lineSchema, nameSchema, pageQuery, pageSchema, patchOf, timestampSchema, uuidSchema } from '../../core/primitives.ts'
import type { QueryChecks } from '../../core/query_checks.ts'
import { alertDefinition, storedAlertDefinition } from './definition.ts'

/** Bodies of writes. Their queries are read by what src/routes.ts gives as `checks`. */
export function alertBodies(checks: QueryChecks) {
  const shape = { name: nameSchema, enabled: z.boolean(), definition: alertDefinition(checks) }
  return { create: z.strictObject({ ...shape, enabled: shape.enabled.default(true) }), update: patchOf(shape) }
}

export type CreateAlert = z.output<ReturnType<typeof alertBodies>['create']>
export type UpdateAlert = z.output<ReturnType<typeof alertBodies>['update']>

const state = z.enum(alertStates).meta({
  description: 'pending: beyond the threshold, but not for long enough; recovering: back, but not for long enough; error: the query failed',
})

const head = {
  id: z.string(),
  name: z.string(),
  enabled: z.boolean(),
  state: state.meta({ description: 'The worst of its groups' }),
  state_since: timestampSchema.nullable(),
  silenced: z.boolean().meta({ description: 'Whether a silence or maintenance window holds now' }),
  last_evaluation: z
    .object({
      to: timestampSchema.meta({ description: 'End of the last window that was looked at' }),
      at: timestampSchema.nullable().meta({ description: 'When it was looked at' }),
      ms: z.number().nullable().meta({ description: 'How long that took' }),
    })
    .nullable(),
  error: z.string().nullable().meta({ description: 'Why the last evaluation failed' }),
  failures: z.int().meta({ description: 'Evaluations that failed in a row' }),
  created_by: z.string().meta({ description: 'The person or API key that made it' }),
  created_at: timestampSchema,
  updated_at: timestampSchema.meta({ description: 'Of the rule itself; its state changes without it' }),
}

const groupSchema = z.object({
  group: alertGroupKey.meta({ description: 'Values by field; empty for a rule without groups' }),
  state,
  value: z.number().nullable().meta({ description: 'The last one; null where nothing matched' }),
  since: timestampSchema.meta({ description: 'Since when it is in this state' }),
})

export const alertSchema = z.object({
  ...head,
  condition: z.string().meta({ description: 'In words, such as count() > 100 within 5m' }),
  definition: storedAlertDefinition,
  groups: z.array(groupSchema),
  groups_truncated: z.boolean().meta({ description: 'There are more groups than a rule tells apart, or their names are too long' }),
})
export type AlertJson = z.input<typeof alertSchema>

export const alertParam = z.object({ id: uuidSchema })
export const notificationParam = z.object({ id: uuidSchema, notification_id: uuidSchema })

const orderings = ['name', '-name', 'created_at', '-created_at', 'updated_at', '-updated_at', 'state_since', '-state_since'] as const
const flag = z.enum(['true', 'false']).transform((text) => text === 'true')

export const listAlertsQuery = z.strictObject({
  ...pageQuery,
  ordering: z.enum(orderings).default('name'),
  search: lineSchema(nameCharsMax).optional().meta({ description: 'Part of the name or description, without case for ASCII letters' }),
  state: z.enum(alertStates).optional(),
  severity: z.enum(alertSeverities).optional(),
  enabled: flag.optional(),
})

const listedAlertSchema = z.object({
  ...head,
  severity: z.enum(alertSeverities),
  condition: z.string(),
  firing_groups: z.int().meta({ description: 'How many groups fire or recover; 1 at most for a rule without groups' }),
})
export type ListedAlert = z.input<typeof listedAlertSchema>
export const alertPageSchema = pageSchema(listedAlertSchema)

const time = z.iso.datetime({ offset: true, error: 'must be an RFC 3339 time' })

export const alertHistoryQuery = z.strictObject({
  ...pageQuery,
  from: time.optional().meta({ description: 'First moment at which it was seen' }),
  to: time.optional().meta({ description: 'Moment behind the last one' }),
  state: z.enum(alertStates).optional().meta({ description: 'The state that it came to' }),
})

const historyEntrySchema = z.object({
  id: z.string(),
  at: timestampSchema.meta({ description: 'End of the window that showed it' }),
  created_at: timestampSchema.meta({ description: 'When it was seen' }),
  group: alertGroupKey,
  from: z.enum(alertStates),
  to: z.enum(alertStates),
  value: z.number().nullable(),
  detail: z.string().nullable().meta({ description: 'Why, where the state does not tell' }),
  silenced: z.boolean().meta({ description: 'A silence kept it from being told' }),
})
export type HistoryEntryJson = z.input<typeof historyEntrySchema>

export const alertHistoryPageSchema = pageSchema(historyEntrySchema).extend({
  count_is_lower_bound: z.boolean().meta({ description: 'Only the newest entries were looked at: `to` leads to older ones' }),
})
