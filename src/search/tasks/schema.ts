import * as z from 'zod'
import { attributeNameBytesMax, exportFieldsMax, taskBodyBytesMax, waitSecondsMax } from '../../core/limits.ts'
import { from, q, to } from '../schema.ts'
import { archiveJson } from '../storage/archive_schema.ts'
import { eraseJson } from '../storage/storage_schema.ts'
import { processInput } from './process_input.ts'

const exportJson = z.strictObject({
  q: q.default(''),
  from: from.optional(),
  to: to.optional(),
  order: z.enum(['newest', 'oldest']).default('newest'),
  format: z.enum(['csv', 'ndjson']).default('ndjson'),
  fields: z
    .array(z.string().min(1).max(attributeNameBytesMax))
    .min(1)
    .max(exportFieldsMax)
    .optional()
    .describe('Columns in this order instead of the usual ones.'),
  gzip: z.boolean().default(false),
})

const kind = <K extends string, P extends z.ZodType>(name: K, params: P) => z.strictObject({ kind: z.literal(name), params })

/** What each kind takes. */
export const newTaskJson = z
  .discriminatedUnion('kind', [
    kind('add', z.strictObject({ a: z.number(), b: z.number() })).describe('Adds two numbers.'),
    kind('wait', z.strictObject({ seconds: z.int().min(1).max(waitSecondsMax) })).describe('Waits, and tells its progress.'),
    kind('process', processInput).describe(`Counts words and numbers of what is posted, at most ${taskBodyBytesMax} bytes.`),
    kind('export', exportJson).describe('Writes what GET /logs/export gives to a file, for a download link. Needs logs:read.'),
    kind('erase', eraseJson).describe('As POST /logs/delete. Needs logs:delete, and of a person the password.'),
    kind('archive', archiveJson).describe('As POST /logs/archive. Needs logs:archive.'),
    kind('account_export', z.strictObject({}).default({})).describe(
      'All that is kept for the account but logs, as NDJSON. For people with a role in the account; needs the password.',
    ),
  ])
  .meta({ id: 'NewTask' })

export type NewTaskInput = z.output<typeof newTaskJson>
