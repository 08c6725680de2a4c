import * as z from 'zod'

/** A record of posted data: a number, a text, or an object of such values. */
const value = z.union([z.number(), z.string(), z.boolean(), z.null()])
const record = z.union([z.number(), z.string(), z.record(z.string(), value)])

/** What a `process` task works on: a text, or records. */
export const processInput = z.union([z.strictObject({ text: z.string() }), z.strictObject({ records: z.array(record).min(1) })])
export type ProcessInput = z.output<typeof processInput>
export type ProcessRecord = z.output<typeof record>
