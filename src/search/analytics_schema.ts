import * as z from 'zod'
import {
  attributeNameBytesMax,
  contextRowsMax,
  fieldNamesMax,
  logIdTextCharsMax,
  patternsMax,
  queryBytesMax,
  statsByMax,
  statsGroupsMax,
} from '../core/limits.ts'
import { logSchema } from '../core/log_schema.ts'
import { intervalSchema, queryInteger } from '../core/primitives.ts'
import { severities } from '../core/severity.ts'
import { fieldTypes } from '../engine/query/fields_present.ts'
import { damaged, from, partial, q, statsSchema, to, words } from './schema.ts'

const value = z.unknown().meta({ type: ['number', 'string', 'null'] })

export const statsQuery = z.strictObject({
  q: q.default(''),
  from: from.optional(),
  to: to.optional(),
  stats: z
    .string()
    .max(queryBytesMax)
    .default('count()')
    .describe('Functions with commas: count(), count(f), count_distinct(f), sum(f), avg(f), min(f), max(f), p50(f) to p99.99(f).'),
  by: words
    .pipe(z.array(z.string().max(attributeNameBytesMax)).max(statsByMax))
    .default([])
    .describe('Fields that make the groups, with commas.'),
  interval: intervalSchema.optional().describe('Length of time buckets, such as 5m; without it there are none.'),
  ordering: z
    .string()
    .max(queryBytesMax)
    .optional()
    .describe('One of the functions, with - in front for descending. Without it the first one, descending.'),
  limit: queryInteger(1, statsGroupsMax).default(100).describe('How many groups are given.'),
})
export type StatsInput = z.output<typeof statsQuery>

export const statsReply = z.object({
  by: z.array(z.string()),
  interval_ms: z.number().nullable(),
  functions: z.array(
    z.object({
      function: z.string(),
      relative_error: z.number().optional().describe('A percentile lies within this share of the true one.'),
      standard_error: z.number().optional().describe('Of a distinct count that had to be estimated, as a share; 0 when it is exact.'),
    }),
  ),
  groups: z.array(
    z.object({
      group: z.array(z.string().nullable()).describe('Values of the fields in `by`; null for logs that have not the field.'),
      values: z.array(value).describe('One for each of `functions`, over the whole range; null where there is none.'),
      buckets: z.array(z.object({ start: z.string(), values: z.array(value) })).optional(),
      complete: z.boolean().describe('False when logs of this group may be missing, because there were more groups than could be kept.'),
    }),
  ),
  group_count: z.number().describe('Groups that were found; a lower bound when `groups_dropped`.'),
  truncated: z.boolean().describe('True when there are more groups than are given.'),
  groups_dropped: z
    .boolean()
    .describe('True when there were more groups than could be kept at once: those of fewest logs are not counted.'),
  partial,
  damaged,
  stats: statsSchema,
})

export const fieldsQuery = z.strictObject({ q: q.default(''), from: from.optional(), to: to.optional() })
export type FieldsInput = z.output<typeof fieldsQuery>

export const fieldsReply = z.object({
  count: z.number().describe('Logs that match.'),
  fields: z
    .array(
      z.object({
        field: z.string().describe('As a query writes it.'),
        types: z.array(z.enum(fieldTypes)).describe('Those that its values have, most frequent first.'),
        count: z.number().describe('Logs that match and have the field.'),
      }),
    )
    .describe(`Attributes, most frequent first, at most ${fieldNamesMax}; source, severity, message and times are in every log.`),
  truncated: z.boolean().describe('True when there are more fields than are given.'),
  partial,
  damaged,
  stats: statsSchema,
})

export const contextQuery = z.strictObject({
  id: z.string().max(logIdTextCharsMax),
  before: queryInteger(0, contextRowsMax).default(10),
  after: queryInteger(0, contextRowsMax).default(10),
})
export type ContextInput = z.output<typeof contextQuery>

export const contextReply = z.object({
  before: z.array(logSchema).describe('Logs of the same source before it, oldest first.'),
  log: logSchema,
  after: z.array(logSchema).describe('Logs of the same source after it, oldest first.'),
  partial,
  damaged,
  stats: statsSchema,
})

export const patternsQuery = z.strictObject({
  q: q.default(''),
  from: from.optional(),
  to: to.optional(),
  limit: queryInteger(1, patternsMax).default(50),
})
export type PatternsInput = z.output<typeof patternsQuery>

export const patternsReply = z.object({
  count: z.number().describe('Logs that match.'),
  interval_ms: z.number().describe('Length of the time buckets of `counts`.'),
  from: z.string().nullable().describe('Start of the first bucket.'),
  patterns: z.array(
    z.object({
      pattern: z.string(),
      count: z.number(),
      share: z.number().describe('Of all logs that match, 0 to 1.'),
      severities: z.record(z.enum(severities), z.number()),
      first_seen: z.string(),
      last_seen: z.string(),
      example: z.object({ id: z.string(), timestamp: z.string(), message: z.string() }),
      counts: z.array(z.number()).describe('Logs by time bucket, from `from` on; zeros at the end are left out.'),
    }),
  ),
  pattern_count: z.number().describe('Patterns that were found.'),
  truncated: z.boolean().describe('True when there are more patterns than are given.'),
  dropped_count: z.number().describe('Logs of messages that were too many, and too different, to be kept: they are in no pattern.'),
  without_message_count: z.number().describe('Logs without a message: they are in no pattern.'),
  sampled: z.boolean().describe('True when of large blocks only some logs were looked at, each counting for those around it.'),
  sample_rate: z
    .number()
    .describe('Share of the logs that were looked at: 1 when all counts are exact; below, those of patterns are estimates.'),
  partial,
  damaged,
  stats: statsSchema,
})
