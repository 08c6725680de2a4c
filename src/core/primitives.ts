import * as z from 'zod'
import { emailCharsMax, nameCharsMax, pageNumberMax, pageSizeDefault, pageSizeMax } from './limits.ts'

/** Schemas that all routes share, so that the same kind of value is refused for the same reasons everywhere. */

/**
 * NUL and other controls (so CR and LF too), line and paragraph separators, and what shows nothing or reorders what is shown:
 * with them two names look the same, or one like nothing. The Braille blank is of no such class in Unicode.
 */
const hidden = /[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\u2028\u2029\u2800]/u

const joiningScripts = [
  'Arabic',
  'Syriac',
  'Devanagari',
  'Bengali',
  'Gurmukhi',
  'Gujarati',
  'Oriya',
  'Tamil',
  'Telugu',
  'Kannada',
  'Malayalam',
  'Sinhala',
  'Khmer',
  'Myanmar',
]
  .map((script) => `\\p{Script=${script}}`)
  .join('')

/** Where joiners and variation selectors belong to what is written: inside words of scripts that join, and in emoji. */
const joining = [
  new RegExp(`(?<=[${joiningScripts}])[\\u200c\\u200d](?=[${joiningScripts}])`, 'gu'),
  /(?<=\p{Extended_Pictographic})\ufe0f/gu,
  /(?<=\p{Extended_Pictographic}[\ufe0f\p{Emoji_Modifier}]?)\u200d(?=\p{Extended_Pictographic})/gu,
]

function printable(text: string): boolean {
  return text.isWellFormed() && !hidden.test(joining.reduce((rest, pattern) => rest.replaceAll(pattern, ''), text))
}

/** One line that people read: a name, a title, a label. Trimmed, NFC, 1 to `charsMax` characters. */
export function lineSchema(charsMax: number) {
  return z
    .string()
    .refine(printable, 'must not contain control or invisible characters, line breaks or broken Unicode')
    .transform((text) => text.trim().normalize('NFC'))
    .pipe(z.string().min(1, 'must not be empty').max(charsMax, `must have at most ${charsMax} characters`))
}

/** Who or what it names shows something: a letter, a digit or a picture. */
export const nameSchema = lineSchema(nameCharsMax).refine(
  (text) => /[\p{L}\p{N}\p{Extended_Pictographic}]/u.test(text),
  'must have a letter or a digit',
)

/** Letters that look like others make no second user: lower-casing would turn some of them into the ASCII ones (K, \u212a, into k). */
const foreign = /[^ -~]/

/** Trimmed and lower-case, so that one mailbox is one user. Names beyond ASCII come as punycode, as mail servers take them. */
export const emailSchema = z
  .string()
  .max(emailCharsMax, `must have at most ${emailCharsMax} characters`)
  .refine(printable, 'must not contain control or invisible characters, line breaks or broken Unicode')
  .refine((text) => !foreign.test(text), 'must have only ASCII characters')
  .transform((text) => text.trim().toLowerCase())
  .pipe(z.email('must be an e-mail address'))

/** UUID of any version, lower-case. */
export const uuidSchema = z
  .string()
  .regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i, 'must be a UUID')
  .transform((text) => text.toLowerCase())

/** RFC 3339 in UTC, as the API writes times. */
export const timestampSchema = z.iso.datetime()

/** An integer in a query string: plain decimal digits only, so no `1e9`, ` 5` or `0x10`. */
export function queryInteger(min: number, max: number) {
  return z
    .string()
    .regex(/^-?\d{1,15}$/, 'must be an integer')
    .transform(Number)
    .pipe(z.number().min(min, `must be at least ${min}`).max(max, `must be at most ${max}`))
}

/** Parameters of every paged list; spread into a strict query object. */
export const pageQuery = {
  page: queryInteger(1, pageNumberMax).default(1),
  page_size: queryInteger(1, pageSizeMax).default(pageSizeDefault),
}

/** The answer of every paged list. */
export function pageSchema<S extends z.ZodType>(item: S) {
  return z.object({ count: z.int(), next: z.string().nullable(), previous: z.string().nullable(), results: z.array(item) })
}

/**
 * The body of a PATCH: some of these fields, at least one. A PUT has all of them; one that may be left out of it has a default,
 * which the description of the API shows.
 */
export function patchOf<S extends z.ZodRawShape>(shape: S) {
  return z
    .strictObject(shape)
    .partial()
    .refine((change) => Object.keys(change).length > 0, 'must name at least one field')
}

/** Length of a time bucket. */
export const intervalSchema = z.string().regex(/^[1-9]\d{0,9}(ms|s|m|h|d)$/, 'must be a number with a unit, such as 30s, 5m, 1h or 1d')

/** A text of which `faultOf` tells in a sentence what is wrong, or undefined. */
export function checkedText(charsMax: number, faultOf: (text: string) => string | undefined) {
  return z
    .string()
    .max(charsMax)
    .check(({ value, issues }) => {
      const fault = faultOf(value)
      if (fault !== undefined) issues.push({ code: 'custom', message: fault, input: value })
    })
}
