import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { nextCronMs } from '../../src/core/cron.ts'
import { root } from './settings.ts'
import { reasonOf } from './terminal.ts'

/*
 * wrangler dev fires no cron by itself. What follows does, at the real times in UTC, through the address that it has for that.
 */

const minuteMs = 60_000
/** Longer than the longest run of a schedule (src/core/limits.ts). */
const answerWithinMs = 15 * minuteMs

export interface Ticks {
  /** Ends them; what is under way is not waited for. */
  stop(): void
}

interface Clock {
  now(): number
  /** Calls back once, so many milliseconds on; answers how to call that off. */
  after(ms: number, callback: () => void): () => void
}

const realClock: Clock = {
  now: () => Date.now(),
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms)
    return () => clearTimeout(timer)
  },
}

/**
 * Fires the crons of a development server: each once at the beginning, since their times may have passed while it was off, then those
 * that are due as each minute begins. `complain` hears of each that fails; the next is fired all the same.
 */
export function startTicks(
  url: string,
  crons: readonly string[],
  complain: (text: string) => void,
  { clock = realClock, fetcher = fetch }: { clock?: Clock; fetcher?: typeof fetch } = {},
): Ticks {
  const ending = new AbortController()
  const fire = (cron: string, timeMs: number) => {
    const address = `${url}/cdn-cgi/local/scheduled?${new URLSearchParams({ cron, time: String(timeMs) }).toString()}`
    const signal = AbortSignal.any([ending.signal, AbortSignal.timeout(answerWithinMs)])
    fetcher(address, { signal })
      .then(async (response) => {
        if (!response.ok) complain(`The schedules of "${cron}" failed: ${response.status} ${await response.text()}`)
      })
      .catch((error: unknown) => {
        if (!ending.signal.aborted) complain(`The schedules of "${cron}" could not be started: ${reasonOf(error)}`)
      })
  }
  let callOff: () => void = () => undefined
  const waitForMinute = () => {
    const minute = nextMinute(clock.now())
    callOff = clock.after(minute - clock.now(), () => {
      for (const cron of dueCrons(crons, minute)) fire(cron, minute)
      waitForMinute()
    })
  }
  for (const cron of crons) fire(cron, clock.now())
  waitForMinute()
  return {
    stop() {
      callOff()
      ending.abort()
    },
  }
}

/** The expressions that name the minute which begins then. */
export function dueCrons(crons: readonly string[], minute: number): string[] {
  return crons.filter((cron) => nextCronMs({ cron, timeZone: 'UTC' }, minute - 1_000) === minute)
}

function nextMinute(ms: number): number {
  return (Math.floor(ms / minuteMs) + 1) * minuteMs
}

/** The cron expressions of wrangler.toml, read as text: loading wrangler for them takes seconds. Throws where there are none. */
export function readCrons(text = readFileSync(join(root, 'wrangler.toml'), 'utf8')): string[] {
  const [, list] = /^crons = \[([^\]]*)\]$/m.exec(text) ?? []
  const crons = [...(list ?? '').matchAll(/"([^"]*)"/g)].map(([, cron = '']) => cron)
  if (crons.length === 0) throw new Error('wrangler.toml has no line of crons')
  return crons
}
