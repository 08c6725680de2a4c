import * as z from 'zod'
import { archiveFilesMax, queryBytesMax, timeBoundCharsMax } from '../../core/limits.ts'
import { queryInteger, uuidSchema } from '../../core/primitives.ts'

const timeBound = z.string().max(timeBoundCharsMax)

export const archiveJson = z.strictObject({
  q: z.string().max(queryBytesMax).default('').describe('Filter in the query language; all logs of the range when it is empty.'),
  from: timeBound.optional().describe('First event time, as in a search.'),
  to: timeBound.optional().describe('First event time that is left out.'),
})

export const archiveFileParam = z.object({ id: uuidSchema, n: queryInteger(0, archiveFilesMax - 1) })
