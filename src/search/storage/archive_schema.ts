import * as z from 'zod'
import { archiveFilesMax, queryBytesMax } from '../../core/limits.ts'
import { queryInteger, uuidSchema } from '../../core/primitives.ts'
import { timeBound } from '../schema.ts'

export const archiveJson = z.strictObject({
  q: z.string().max(queryBytesMax).default('').describe('Filter in the query language; all logs of the range when it is empty.'),
  from: timeBound.optional().describe('First event time, as in a search.'),
  to: timeBound.optional().describe('First event time that is left out.'),
})

/** What tasks over a range of logs keep of their request, archives and erasures alike. */
export const taskParams = z.object({ q: z.string(), from_ms: z.number(), to_ms: z.number() })

export const archiveFileParam = z.object({ id: uuidSchema, n: queryInteger(0, archiveFilesMax - 1) })
