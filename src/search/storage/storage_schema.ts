import * as z from 'zod'
import { cursorCharsMax, queryBytesMax, segmentPageMax } from '../../core/limits.ts'
import { queryInteger } from '../../core/primitives.ts'
import { rejectReasons } from '../../core/usage.ts'
import { timeBound } from '../schema.ts'

const volume = { rows: z.number(), bytes: z.number().describe('Bytes of the text of these records as they came, decompressed.') }

const usage = {
  received: z.object(volume).describe('All records of all batches; retries of an acknowledged batch are not counted again.'),
  stored: z.object(volume),
  rejected: z
    .partialRecord(z.enum(rejectReasons), z.number())
    .describe('Records that were not stored, by reason: received rows are stored ones and these.'),
}

const sources = z
  .array(z.object({ source: z.string().nullable().describe('Null: all others together.'), ...volume }))
  .describe('Stored rows by source, the greatest first.')

export const usageQuery = z.strictObject({
  from: timeBound.optional().describe('First day, in UTC: RFC 3339, a date, epoch, or relative such as now-7d. 30 days ago if absent.'),
  to: timeBound.optional().describe('Last day. Today if absent.'),
})

export const usageReply = z
  .object({
    from: z.string(),
    to: z.string(),
    total: z.object({ ...usage, sources }),
    days: z.array(z.object({ day: z.string(), ...usage, sources })),
  })
  .meta({ id: 'LogUsage' })

const eraseRange = {
  from: timeBound.optional().describe('First event time that is erased, as in a search.'),
  to: timeBound.optional().describe('First event time that is not erased any more.'),
}

export const eraseJson = z.strictObject({
  q: z.string().max(queryBytesMax).default('').describe('Filter in the query language: what matches is erased.'),
  ...eraseRange,
  all: z.literal(true).optional().describe('Needed with an empty `q`: all logs of the range are erased.'),
})

export const segmentsQuery = z.strictObject({
  limit: queryInteger(1, segmentPageMax).default(segmentPageMax),
  cursor: z.string().min(1).max(cursorCharsMax).optional().describe('`next` of the page before.'),
})

const segment = z.object({
  id: z.string(),
  key: z.string().describe('Its key in the object storage.'),
  rows: z.number(),
  bytes: z.number(),
  raw_bytes: z.number(),
  sha256: z.string(),
  from: z.string().describe('Smallest event time.'),
  to: z.string().describe('Greatest event time.'),
  received_from: z.string(),
  received_to: z.string(),
  min_seq: z.number(),
  max_seq: z.number(),
})

export const segmentsReply = z
  .object({
    results: z.array(z.object({ shard: z.number(), region: z.string(), segment })),
    next: z.string().nullable(),
  })
  .meta({ id: 'Segments' })

/** An operation passes as it is: its hash is over exactly these names and values (src/engine/FORMAT.md). */
export const operationsReply = z
  .object({
    results: z.array(
      z.object({
        shard: z.number(),
        region: z.string(),
        operation: z.unknown().meta({ type: 'object', description: 'With the hash of the operation before, and its own.' }),
      }),
    ),
    shards: z
      .array(
        z.object({
          shard: z.number(),
          region: z.string(),
          last: z.object({ number: z.number(), hash: z.string() }),
          anchor: z.object({ number: z.number(), hash: z.string() }).describe('The newest operation that was pruned.'),
        }),
      )
      .describe('The chains that this page has a part of.'),
    next: z.string().nullable(),
  })
  .meta({ id: 'SegmentOperations' })

export const segmentParam = z.object({
  id: z.string().regex(/^[a-z]{2,4}\.\d{8}\.\d{1,5}-\d{1,15}-\d{1,9}-\d{1,15}-[0-9a-f]{16}$/, 'must be the id of a segment'),
})
