import { expect, it } from 'vitest'
import { dueCrons, readCrons, startTicks } from '../../../scripts/dev/ticks.ts'

const at = (text: string) => Date.parse(`2026-11-22T${text}Z`)
const crons = ['* * * * *', '*/10 * * * *', '7 * * * *', '53 */6 * * *']

/** Ticks with a clock that a test moves, and the crons that they fired, with their times. */
function ticking(start: string, answer: (cron: string) => Promise<Response> = async () => new Response('ok')) {
  let now = at(start)
  let waiting: { atMs: number; callback: () => void } | undefined
  const fired: [string, string][] = []
  const complaints: string[] = []
  const clock = {
    now: () => now,
    after(ms: number, callback: () => void) {
      const own = { atMs: now + ms, callback }
      waiting = own
      return () => {
        if (waiting === own) waiting = undefined
      }
    },
  }
  const fetcher = async (address: string) => {
    const { searchParams } = new URL(address)
    const cron = searchParams.get('cron') ?? ''
    fired.push([cron, new Date(Number(searchParams.get('time'))).toISOString().slice(11, 19)])
    return answer(cron)
  }
  const ticks = startTicks('http://127.0.0.1:1', crons, (text) => complaints.push(text), { clock, fetcher: fetcher as typeof fetch })
  const next = () => {
    const due = waiting
    if (due === undefined) throw new Error('nothing waits')
    now = due.atMs + 3
    due.callback()
    return fired.splice(0)
  }
  return { ticks, next, fired, complaints, isWaiting: () => waiting !== undefined }
}

it('fires each cron at the beginning, then those whose minute begins', () => {
  const { next, fired } = ticking('12:05:30')
  expect(fired.splice(0)).toEqual(crons.map((cron) => [cron, '12:05:30']))
  expect(next()).toEqual([['* * * * *', '12:06:00']])
  expect(next().map(([cron]) => cron)).toEqual(['* * * * *', '7 * * * *'])
  for (const minute of ['12:08:00', '12:09:00']) expect(next()).toEqual([['* * * * *', minute]])
  expect(next()).toEqual([
    ['* * * * *', '12:10:00'],
    ['*/10 * * * *', '12:10:00'],
  ])
})

it('complains of what fails, and goes on', async () => {
  const answers: Record<string, () => Promise<Response>> = {
    '* * * * *': async () => new Response('exception', { status: 500 }),
    '*/10 * * * *': () => Promise.reject(new Error('connection refused')),
  }
  const { next, fired, complaints } = ticking('12:05:30', (cron) => answers[cron]?.() ?? Promise.resolve(new Response('ok')))
  await new Promise(setImmediate)
  expect(complaints.toSorted()).toEqual([
    'The schedules of "* * * * *" failed: 500 exception',
    'The schedules of "*/10 * * * *" could not be started: connection refused',
  ])
  fired.length = 0
  expect(next()).toHaveLength(1)
})

it('ends without a word', async () => {
  let refuse: (reason: Error) => void = () => undefined
  const pending = new Promise<Response>((_, reject) => {
    refuse = reject
  })
  const { ticks, complaints, isWaiting } = ticking('12:05:30', () => pending)
  ticks.stop()
  refuse(new Error('aborted'))
  await new Promise(setImmediate)
  expect([isWaiting(), complaints]).toEqual([false, []])
})

it('knows the minute of an expression from those around it', () => {
  expect(dueCrons(crons, at('06:53:00'))).toEqual(['* * * * *', '53 */6 * * *'])
  expect(dueCrons(crons, at('07:53:00'))).toEqual(['* * * * *'])
})

it('reads the expressions of the configuration, and refuses one without', () => {
  expect(readCrons()).toContain('* * * * *')
  expect(readCrons('[triggers]\ncrons = ["1 * * * *", "2 3 * * *"]\n')).toEqual(['1 * * * *', '2 3 * * *'])
  expect(() => readCrons('crons = []\n')).toThrow('no line of crons')
})
