import * as z from 'zod'
import { alertGroupKey, alertNoticeKinds, alertStates } from '../../core/alerts.ts'
import { alertPreviewWindowsMax } from '../../core/limits.ts'
import { timestampSchema, uuidSchema } from '../../core/primitives.ts'
import type { QueryChecks } from '../../core/query_checks.ts'
import { alertDefinition } from '../../features/alerts/definition.ts'
import { from, to } from '../schema.ts'

export const alertTestParam = z.object({ id: uuidSchema })

export const alertTestJson = z.strictObject({
  notify: z
    .boolean()
    .default(false)
    .meta({ description: 'Also sends a notice of the kind `test` to the channels of the rule, and waits for what they answer' }),
})

const group = alertGroupKey.meta({ description: 'Values by field; empty for a rule without groups' })
const value = z.number().nullable().meta({ description: 'Null where no log has one' })

/** As the test of a channel by itself answers. */
const channelAnswer = z.object({
  channel_id: z.string(),
  outcome: z.enum(['accepted', 'queued', 'failed']).meta({ description: 'queued: mails are on their way; their end is not waited for' }),
  http_status: z.int().nullable(),
  answer: z.string().nullable(),
  error: z.string().nullable(),
  to: z.array(z.string()),
})

export const alertTestReply = z.object({
  condition: z.string(),
  from: timestampSchema.meta({ description: 'The window that was looked at: the newest whose late logs have been waited for' }),
  to: timestampSchema,
  groups: z
    .array(z.object({ group, value, beyond_threshold: z.boolean(), logs_url: z.string() }))
    .meta({ description: 'The worst values first, 100 at most' }),
  groups_truncated: z.boolean(),
  complete: z
    .boolean()
    .meta({ description: 'False: only groups that are certainly beyond the threshold are told, as not all logs could be read' }),
  error: z.string().nullable().meta({ description: 'Why it cannot be evaluated' }),
  channels: z.array(channelAnswer).nullable().meta({ description: 'What became of the test notice; null without `notify`' }),
})
export type AlertTest = z.input<typeof alertTestReply>

/** The body of a preview; its definition is read by what src/routes.ts gives as `checks`. */
export function alertPreviewJson(checks: QueryChecks) {
  return z.strictObject({
    definition: alertDefinition(checks),
    from: from
      .optional()
      .meta({ description: `Where the windows begin to end; left out: ${alertPreviewWindowsMax} windows before \`to\`` }),
    to: to.default('now'),
  })
}
export type AlertPreviewInput = z.output<ReturnType<typeof alertPreviewJson>>

export const alertPreviewReply = z.object({
  condition: z.string(),
  windows: z.array(
    z.object({
      from: timestampSchema,
      to: timestampSchema,
      state: z.enum(alertStates),
      groups: z
        .array(z.object({ group, state: z.enum(alertStates), value }))
        .meta({ description: 'Those that the rule would remember, the worst first, 10 at most' }),
      told: z
        .array(z.object({ kind: z.enum(alertNoticeKinds), groups: z.array(group) }))
        .meta({ description: 'What people would have been told' }),
      error: z.string().nullable(),
    }),
  ),
  complete: z.boolean().meta({ description: 'False: the time for a preview ended before all windows were evaluated' }),
})
export type AlertPreview = z.input<typeof alertPreviewReply>
