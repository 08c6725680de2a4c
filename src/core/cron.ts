import { Cron } from 'croner'
import * as z from 'zod'
import { cronCharsMax, cronsCachedMax } from './limits.ts'

/* Times that come again, as people write them: a cron expression of five fields, in a time zone. */

/** Digits, names of months and days, lists, ranges, steps, and L, W, # of days. No `?`, which croner takes for the time of the call. */
const characters = /^[\dA-Za-z*,/#\- ]+$/

/** A cron expression that names some time. Whole minutes, so that nothing comes again sooner. */
export const cronSchema = z
  .string()
  .max(cronCharsMax, `must have at most ${cronCharsMax} characters`)
  .transform((text) => text.trim().replace(/\s+/g, ' '))
  .check(({ value, issues }) => {
    const fault = cronFault(value)
    if (fault !== undefined) issues.push({ code: 'custom', message: fault, input: value })
  })
  .meta({ description: 'Minute, hour, day of month, month and day of week, such as 30 22 * * 1-5' })

/**
 * The first time after `afterMs` that the expression names in the time zone; null when there is none. A time of day that the clock
 * skips as daylight saving begins stands for the moment of the change; one that comes twice as it ends counts once, the first time.
 */
export function nextCronMs({ cron, timeZone }: { cron: string; timeZone: string }, afterMs: number): number | null {
  // croner counts whole seconds; what is after a moment is after the second that it is in, as all times named are whole minutes.
  return (
    compiled(cron, timeZone)
      .nextRun(new Date(Math.floor(afterMs / 1000) * 1000))
      ?.getTime() ?? null
  )
}

function cronFault(text: string): string | undefined {
  if (!characters.test(text) || text.split(' ').length !== 5) return 'must be a cron expression of five fields, such as 30 22 * * 1-5'
  try {
    // Of the days that there are, the rarest come within four decades.
    return new Cron(text, { timezone: 'UTC', mode: '5-part' }).nextRun(new Date(0)) === null ? 'must name a time that comes' : undefined
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof RangeError)) throw error
    return `must be a cron expression: ${error.message.replace(/^CronPattern: /, '')}`
  }
}

/** Those that were read, by text and time zone: reading one takes as long as asking it. */
const known = new Map<string, Cron>()

function compiled(cron: string, timezone: string): Cron {
  const key = `${timezone} ${cron}`
  const found = known.get(key)
  if (found !== undefined) return found
  if (known.size >= cronsCachedMax) known.clear()
  const made = new Cron(cron, { timezone, mode: '5-part' })
  known.set(key, made)
  return made
}
