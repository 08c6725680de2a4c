import * as z from 'zod'
import {
  attributeNameBytesMax,
  cursorCharsMax,
  exportFieldsMax,
  facetFieldsMax,
  facetValuesMax,
  listOffsetRowsMax,
  logIdTextCharsMax,
  pageSizeDefault,
  pageSizeMax,
  queryBytesMax,
  timeBoundCharsMax,
} from '../core/limits.ts'
import { logSchema } from '../core/log_schema.ts'
import { intervalSchema, queryInteger } from '../core/primitives.ts'
import { severities } from '../core/severity.ts'

/** One end of a range of time; time_range.ts reads it. */
export const timeBound = z.string().max(timeBoundCharsMax)
export const q = z.string().max(queryBytesMax).describe('Filter in the query language; empty for all logs.')
export const from = timeBound.describe('First moment that is included: RFC 3339, a date, epoch, or relative such as now-15m.')
export const to = timeBound.describe('First moment that is not included any more; a date means the end of that day.')
const order = z.enum(['newest', 'oldest'])
const cursor = z.string().min(1).max(cursorCharsMax).describe('`next` of the page before; all other parameters must stay as they were.')
const pageSize = queryInteger(1, pageSizeMax).default(pageSizeDefault)
/** Comma-separated, or the parameter repeated. */
export const words = z.union([z.string(), z.array(z.string())]).transform((value) =>
  [value]
    .flat()
    .flatMap((text) => text.split(','))
    .map((text) => text.trim())
    .filter((text) => text !== ''),
)

export const statsSchema = z
  .object({
    shards: z.number(),
    segments_considered: z.number(),
    segments_read: z.number(),
    blocks_considered: z.number(),
    blocks_skipped: z.number(),
    blocks_read: z.number(),
    bytes_considered: z.number(),
    bytes_read: z.number(),
    bytes_decompressed: z.number(),
    object_reads: z.number(),
    object_bytes: z.number(),
    rows_matched: z.number(),
    elapsed_ms: z.number(),
  })
  .meta({ id: 'QueryStats' })

export const partial = z.boolean().describe('True when the budget of work ended before all was seen, or something stored is damaged.')
export const damaged = z
  .array(z.object({ segment: z.string(), reason: z.string() }))
  .optional()
  .describe('What is stored but cannot be read, and is therefore missing in the answer; only there when there is any.')

export const listQuery = z.strictObject({
  search: z.string().max(queryBytesMax).optional().describe('Words that must all be in the log, in any field.'),
  severity: words.optional().describe('One severity, or several with commas.'),
  source: words.optional().describe('One source, or several with commas.'),
  date_from: from.optional(),
  date_to: to.optional(),
  q: q.default(''),
  page: queryInteger(1, listOffsetRowsMax).default(1).describe('Number of the page; far ones need the cursor.'),
  cursor: cursor.optional(),
  page_size: pageSize,
  order: order.default('newest'),
})
export type ListInput = z.output<typeof listQuery>

export const listReply = z.object({
  count: z.number(),
  count_is_lower_bound: z.literal(true).optional(),
  damaged,
  next: z.string().nullable(),
  previous: z.string().nullable(),
  results: z.array(logSchema),
})

export const searchQuery = z.strictObject({
  q: q.default(''),
  from: from.optional(),
  to: to.optional(),
  order: order.default('newest'),
  limit: pageSize,
  cursor: cursor.optional(),
})
export const searchJson = searchQuery.extend({ limit: z.number().int().min(1).max(pageSizeMax).default(pageSizeDefault) })
export type SearchInput = z.output<typeof searchQuery>

export const searchReply = z.object({
  results: z.array(logSchema),
  next: z.string().nullable().describe('Cursor of the next page; null when there is none.'),
  hints: z
    .array(z.object({ position: z.number(), message: z.string(), suggestion: z.string() }))
    .optional()
    .describe(
      'Words of the query that read like conditions on fields of other query languages, such as status>=500, and are looked for as text: where each begins, and how it is written as a condition (status:>=500). Only there when there is any.',
    ),
  partial: partial.describe(
    'True when the budget of work ended before the page was full (`next` goes on from there), or something stored is damaged.',
  ),
  damaged,
  stats: statsSchema,
})

export const histogramQuery = z.strictObject({
  q: q.default(''),
  from: from.optional(),
  to: to.optional(),
  interval: intervalSchema.optional(),
})
export type HistogramInput = z.output<typeof histogramQuery>

export const histogramReply = z.object({
  from: z.string().nullable(),
  to: z.string().nullable(),
  interval_ms: z.number(),
  count: z.number(),
  buckets: z.array(z.object({ start: z.string(), count: z.number(), severities: z.record(z.enum(severities), z.number()) })),
  partial,
  damaged,
  stats: statsSchema,
})

export const facetsQuery = z.strictObject({
  q: q.default(''),
  from: from.optional(),
  to: to.optional(),
  fields: words
    .pipe(z.array(z.string().max(attributeNameBytesMax)).min(1).max(facetFieldsMax))
    .default(['severity', 'source'])
    .describe('Names of fields, with commas.'),
  limit: queryInteger(1, facetValuesMax).default(10),
})
export type FacetsInput = z.output<typeof facetsQuery>

export const facetsReply = z.object({
  facets: z.array(
    z.object({
      field: z.string(),
      count: z.number().describe('Logs that match and have the field.'),
      values: z.array(z.object({ value: z.string(), count: z.number() })),
      truncated: z.boolean().describe('True when there are more distinct values than are given.'),
    }),
  ),
  partial,
  damaged,
  stats: statsSchema,
})

export const exportQuery = z.strictObject({
  format: z.enum(['csv', 'ndjson']).default('ndjson'),
  q: q.default(''),
  from: from.optional(),
  to: to.optional(),
  order: order.default('newest'),
  fields: words
    .pipe(z.array(z.string().max(attributeNameBytesMax)).min(1).max(exportFieldsMax))
    .optional()
    .describe('Columns in this order instead of the usual ones.'),
})
export type ExportInput = z.output<typeof exportQuery>

export const logParam = z.object({ id: z.string().max(logIdTextCharsMax) })
