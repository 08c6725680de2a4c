/* Numbers of the windows that usage is counted in, all in UTC; times are milliseconds since 1970. */

export const minuteMs = 60_000
export const hourMs = 60 * minuteMs
/** Milliseconds of a day in UTC. */
export const dayMs = 86_400_000

export function minuteOf(ms: number): number {
  return Math.floor(ms / minuteMs)
}

export function dayOf(ms: number): number {
  return Math.floor(ms / dayMs)
}

/** Months since January of year 0. */
export function monthOf(ms: number): number {
  const date = new Date(ms)
  return date.getUTCFullYear() * 12 + date.getUTCMonth()
}

/** First moment of the minute or month after that of `ms`. */
export function minuteEndMs(ms: number): number {
  return (minuteOf(ms) + 1) * minuteMs
}

export function monthEndMs(ms: number): number {
  const date = new Date(ms)
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1)
}

/** The date of a day's number, as YYYY-MM-DD. */
export function dateOf(day: number): string {
  return new Date(day * dayMs).toISOString().slice(0, 10)
}
