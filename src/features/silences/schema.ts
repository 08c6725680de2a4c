import * as z from 'zod'
import { cronSchema } from '../../core/cron.ts'
import { nameCharsMax, silenceCommentCharsMax, silenceMsMax, silenceWindowMinutesMax } from '../../core/limits.ts'
import { lineSchema, pageQuery, pageSchema, patchOf, timestampSchema, uuidSchema } from '../../core/primitives.ts'
import { timeZoneSchema } from '../../core/profile.ts'

const time = z.iso.datetime({ offset: true, error: 'must be an RFC 3339 time' })
const comment = z.union([z.literal(''), lineSchema(silenceCommentCharsMax)])

const recurrenceSchema = z.strictObject({
  cron: cronSchema,
  time_zone: timeZoneSchema.meta({ description: 'IANA name such as Europe/Berlin; daylight saving is heeded' }),
  duration_minutes: z
    .int()
    .min(1, 'must be at least 1')
    .max(silenceWindowMinutesMax, `must be at most ${silenceWindowMinutesMax}`)
    .meta({ description: 'Minutes of real time from each start' }),
})

const fields = {
  rule_id: uuidSchema.nullable().meta({ description: 'The rule that is silenced; null for all of the organization' }),
  comment: comment.meta({ description: 'Why' }),
  starts_at: time.nullable().meta({ description: 'null for now' }),
  ends_at: time.nullable().meta({ description: 'Needed without a recurrence, and then at most a year after the start' }),
  recurrence: recurrenceSchema.nullable().meta({
    description: 'A maintenance window that comes again: it is silent for duration_minutes from each time of the cron expression',
  }),
}

export const createSilenceBody = z.strictObject({
  rule_id: fields.rule_id.default(null),
  comment: fields.comment.default(''),
  starts_at: fields.starts_at.default(null),
  ends_at: fields.ends_at.default(null),
  recurrence: fields.recurrence.default(null),
})
export type CreateSilence = z.output<typeof createSilenceBody>

/** Which rule it is for, and whether it recurs, stays: that would be another silence. */
export const updateSilenceBody = patchOf({
  comment: fields.comment,
  starts_at: time,
  ends_at: fields.ends_at,
  recurrence: recurrenceSchema,
})
export type UpdateSilence = z.output<typeof updateSilenceBody>

/** The short way to silence one rule from now on. */
export const silenceRuleBody = z
  .strictObject({
    duration_minutes: z
      .int()
      .min(1, 'must be at least 1')
      .max(silenceMsMax / 60_000, `must be at most ${silenceMsMax / 60_000}`)
      .optional(),
    until: time.optional(),
    comment: fields.comment.default(''),
  })
  .refine(({ duration_minutes: minutes, until }) => (minutes === undefined) !== (until === undefined), {
    message: 'needs duration_minutes or until, and not both',
    path: ['duration_minutes'],
  })
export type SilenceRule = z.output<typeof silenceRuleBody>

export const silenceSchema = z.object({
  id: z.string(),
  rule_id: z.string().nullable(),
  comment: z.string(),
  starts_at: timestampSchema,
  ends_at: timestampSchema.nullable(),
  recurrence: z.object({ cron: z.string(), time_zone: z.string(), duration_minutes: z.int() }).nullable(),
  active: z.boolean().meta({ description: 'Whether it holds now' }),
  active_until: timestampSchema.nullable().meta({ description: 'When that ends; null while it does not hold, or when no end is in sight' }),
  next_start: timestampSchema.nullable().meta({ description: 'When it holds again; null while it holds, or when it will not' }),
  created_by: z.string().meta({ description: 'The person or API key that made it' }),
  created_at: timestampSchema,
  updated_at: timestampSchema,
})
export type SilenceJson = z.output<typeof silenceSchema>

export const silenceParam = z.object({ id: uuidSchema })

const orderings = ['starts_at', '-starts_at', 'ends_at', '-ends_at', 'created_at', '-created_at'] as const

export const listSilencesQuery = z.strictObject({
  ...pageQuery,
  ordering: z.enum(orderings).default('-created_at'),
  search: lineSchema(nameCharsMax).optional().meta({ description: 'Part of the comment, without case for ASCII letters' }),
  rule_id: uuidSchema.optional().meta({ description: 'Those that silence this rule, with those for all' }),
  ended: z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .optional()
    .meta({ description: 'true: only those that are over; false: only those that are not' }),
})

export const silencePageSchema = pageSchema(silenceSchema)
