import * as z from 'zod'
import { birthDateMin, localeCharsMax, timeZoneCharsMax } from './limits.ts'
import { nameSchema } from './primitives.ts'

/* What a person says about oneself; the same for one's own profile and for users that an administrator manages. */

/** Mails that a person may do without. All others tell of the account and its security, and always go out. */
export const notificationKeys = ['alerts', 'weekly_digest', 'reports'] as const
export type NotificationKey = (typeof notificationKeys)[number]
export type NotificationPreferences = Readonly<Record<NotificationKey, boolean>>

/** Stored preferences with what the person never decided: those mails go out. */
export function notificationsOf(stored: Readonly<Record<string, boolean>>): NotificationPreferences {
  const chosen = notificationKeys.map((key) => [key, stored[key] ?? true] as const)
  return Object.fromEntries(chosen) as Record<NotificationKey, boolean>
}

/** E.164: at most 15 digits with the country's code, which begins with no zero. */
const phoneSchema = z
  .string()
  .regex(/^\+[1-9]\d{6,14}$/, 'must be an international number without blanks, such as +4915112345678')
  .meta({ description: 'E.164' })

/** A day that exists; whether it is past, only a clock tells (`isPastDay`). */
const birthDateSchema = z.iso.date('must be a day as yyyy-mm-dd').refine((day) => day >= birthDateMin, `must not be before ${birthDateMin}`)

const localeSchema = z
  .string()
  .max(localeCharsMax, `must have at most ${localeCharsMax} characters`)
  .transform((text, ctx) => {
    const tag = canonicalLocale(text)
    if (tag !== undefined) return tag
    ctx.addIssue({ code: 'custom', message: 'must be a language tag (BCP 47) such as de-CH' })
    return z.NEVER
  })
  .meta({ description: 'BCP 47; kept in canonical form' })

/** A time zone that this runtime knows. */
export const timeZoneSchema = z
  .string()
  .max(timeZoneCharsMax, `must have at most ${timeZoneCharsMax} characters`)
  .transform((text, ctx) => {
    const zone = knownTimeZone(text)
    if (zone !== undefined) return zone
    ctx.addIssue({ code: 'custom', message: 'must be a time zone (IANA) such as Europe/Berlin' })
    return z.NEVER
  })
  .meta({ description: 'IANA name' })

/** Fields of a profile; null where nothing is known. */
export const profileFields = {
  name: nameSchema,
  first_name: nameSchema.nullable(),
  last_name: nameSchema.nullable(),
  phone: phoneSchema.nullable(),
  birth_date: birthDateSchema.nullable(),
  locale: localeSchema.nullable(),
  time_zone: timeZoneSchema.nullable(),
}

/** The same as an answer shows them. */
export const profileJson = {
  name: z.string(),
  first_name: z.string().nullable(),
  last_name: z.string().nullable(),
  phone: z.string().nullable(),
  birth_date: z.string().nullable(),
  locale: z.string().nullable(),
  time_zone: z.string().nullable(),
}

/** Whether the day (`yyyy-mm-dd`) is before today in UTC. */
export function isPastDay(day: string, nowMs: number): boolean {
  return day < new Date(nowMs).toISOString().slice(0, 10)
}

function canonicalLocale(text: string): string | undefined {
  try {
    return Intl.getCanonicalLocales(text)[0]
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

/** Names only: Intl also knows offsets, which know no daylight saving time. */
const zonePattern = /^[a-z][\w+-]*(\/[\w+-]+)*$/i

/** With its letters in the usual case; an old name of a zone stays what it is. */
function knownTimeZone(text: string): string | undefined {
  if (!zonePattern.test(text)) return undefined
  try {
    const { timeZone } = new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions()
    return timeZone.toLowerCase() === text.toLowerCase() ? timeZone : text
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}
