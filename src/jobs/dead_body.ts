import { deadJobBodyCharsMax } from '../core/limits.ts'
import { uuidSchema } from '../core/primitives.ts'

/** Fields whose value is a word of ours. */
const wordFields: ReadonlySet<string> = new Set(['kind', 'thing'])
const wordPattern = /^[a-z][a-z_-]{0,30}$/
const keyPattern = /^\w{1,40}$/
/** Days and times. */
const timePattern = /^\d{4}-\d{2}-\d{2}(T[\d:.]{5,12}Z)?$/

/**
 * What of a message of unknown form is kept, as JSON: its keys and numbers, ids, times and what kind it claims to be. Any other text
 * is told by its length alone, since nobody knows what it is: it may be a token.
 */
export function describeBody(body: unknown): string {
  const shown = JSON.stringify(shownPart(body, '')) ?? 'null'
  return shown.length <= deadJobBodyCharsMax ? shown : JSON.stringify(`${shown.length} characters`)
}

function shownPart(value: unknown, name: string): unknown {
  if (typeof value === 'string') return isHarmless(value, name) ? value : `(${value.length} characters)`
  if (Array.isArray(value)) return value.map((part) => shownPart(part, ''))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => [keyPattern.test(key) ? key : `(${key.length} characters)`, shownPart(part, key)]),
  )
}

function isHarmless(text: string, name: string): boolean {
  if (wordFields.has(name) && wordPattern.test(text)) return true
  return text === '' || timePattern.test(text) || uuidSchema.safeParse(text).success
}

/** A field of the message that names something by a word or an id; undefined for any other. */
export function harmlessField(body: unknown, name: string): string | undefined {
  if (typeof body !== 'object' || body === null || !Object.hasOwn(body, name)) return undefined
  const value = (body as Record<string, unknown>)[name]
  return typeof value === 'string' && value !== '' && isHarmless(value, name) ? value : undefined
}
