import { Buffer } from 'node:buffer'
import * as z from 'zod'
import { attributeNameBytesMax, attributesPerRecordMax } from '../core/limits.ts'
import { patchOf } from '../core/primitives.ts'
import { severityFromText } from '../core/severity.ts'
import { parseTimestamp } from '../core/time.ts'

/** A bad value is refused here, unlike in ingest: a person who edits one log can correct it at once. */
const timestamp = z.string().transform((text, ctx) => {
  const parsed = parseTimestamp(text)
  if (parsed !== undefined) return parsed
  ctx.addIssue({ code: 'custom', message: 'must be an RFC 3339 time from 1970 to 2286' })
  return z.NEVER
})

const severity = z.string().transform((text, ctx) => {
  const index = severityFromText(text)
  if (index !== undefined) return index
  ctx.addIssue({ code: 'custom', message: 'must be TRACE, DEBUG, INFO, WARNING, ERROR, CRITICAL or an alias of these' })
  return z.NEVER
})

/** The store keeps UTF-8, which has no lone surrogates. */
const text = z.string().transform((value) => value.toWellFormed())

const value = z.union([
  text,
  z.boolean(),
  z.number().refine((number) => !Number.isInteger(number) || Number.isSafeInteger(number), 'must not be an integer beyond 2^53'),
])
type Value = z.output<typeof value>

/** Name and value of each attribute. Not zod's record, which drops a name such as `__proto__` in silence. */
function attributes<V extends z.ZodType<Value | null>>(valueSchema: V) {
  return z
    .unknown()
    .transform((input, ctx) => {
      if (typeof input !== 'object' || input === null || Array.isArray(input)) {
        ctx.addIssue({ code: 'custom', message: 'must be an object' })
        return z.NEVER
      }
      const entries = Object.entries(input)
      if (entries.length > attributesPerRecordMax)
        ctx.addIssue({ code: 'custom', message: `must have at most ${attributesPerRecordMax} names` })
      return entries.slice(0, attributesPerRecordMax).map(([name, given]): [string, z.output<V>] => {
        if (name === '' || Buffer.byteLength(name) > attributeNameBytesMax) {
          ctx.addIssue({ code: 'custom', message: `a name must have 1 to ${attributeNameBytesMax} bytes` })
        }
        const parsed = valueSchema.safeParse(given)
        if (parsed.success) return [name.toWellFormed(), parsed.data]
        ctx.addIssue({
          code: 'custom',
          path: [name.slice(0, 100)],
          message: 'must be a text, a number below 2^53 or a boolean; nested names are written with dots',
        })
        return z.NEVER
      })
    })
    .meta({ type: 'object', description: 'Flat: nested names are written with dots.' })
}

/** PUT: the whole content. Attributes that are not given are gone. */
export const replaceJson = z.strictObject({
  timestamp,
  severity,
  source: text,
  message: text,
  attributes: attributes(value).default([]),
})

/** PATCH: what is given changes; an attribute that is null is removed. */
export const mergeJson = patchOf({ timestamp, severity, source: text, message: text, attributes: attributes(value.nullable()) })

export type ReplaceInput = z.output<typeof replaceJson>
export type MergeInput = z.output<typeof mergeJson>
