import { randomBytes, randomUUID } from 'node:crypto'
import type { BenchWorld } from './world.ts'
import { type Figure, median, timed } from './figures.ts'

/** People whose e-mails are known; each gives as many samples as the limits of an hour take of one e-mail. */
const people = 25
const samplesPerPerson = { login: 5, 'password reset': 3, register: 2 }
/** Rounds at the start that do not count: the Worker compiles its code while it runs. */
const warmUpRounds = 3
const ratioMax = 1.1

type Times = Record<'known' | 'unknown', number[]>

/**
 * Whether time tells who is known: the same requests for known and unknown e-mails in turns, so that a noisy machine hits both,
 * each e-mail within the limits of its kind and each request from an address of its own.
 */
export async function measureEnumeration(world: Pick<BenchWorld, 'url'>): Promise<Figure[]> {
  const known = Array.from({ length: people + warmUpRounds }, () => newEmail('known'))
  for (const email of known) await ask(world, 'register', { email, password: 'correct horse battery' }, 201)
  const times: Record<keyof typeof samplesPerPerson, Times> = {
    login: { known: [], unknown: [] },
    'password reset': { known: [], unknown: [] },
    register: { known: [], unknown: [] },
  }
  for (const [round, email] of known.entries()) {
    const pairs = async (kind: keyof typeof times, send: (email: string) => Promise<void>): Promise<void> => {
      const one = async (who: keyof Times, to: string): Promise<void> => {
        const ms = await timed(() => send(to))
        if (round >= warmUpRounds) times[kind][who].push(ms)
      }
      for (let i = 0; i < samplesPerPerson[kind]; i++) {
        const turns = [() => one('known', email), () => one('unknown', newEmail('unknown'))]
        for (const turn of (round + i) % 2 === 0 ? turns : turns.toReversed()) await turn()
      }
    }
    await pairs('login', (to) => ask(world, 'login', { email: to, password: 'a wrong password' }, 401))
    await pairs('password reset', (to) => ask(world, 'password-reset', { email: to }, 202))
    await pairs('register', (to) => ask(world, 'register', { email: to, password: 'another good password' }, 201))
  }
  return Object.entries(times).flatMap(([kind, { known: ofKnown, unknown }]) => figures(kind, median(ofKnown), median(unknown)))
}

function figures(kind: string, known: number, unknown: number): Figure[] {
  return [
    { name: `${kind} with a known e-mail, p50`, value: known, unit: 'ms' },
    { name: `${kind} with an unknown e-mail, p50`, value: unknown, unit: 'ms' },
    {
      name: `${kind}: the slower of both against the other`,
      value: Math.max(known / unknown, unknown / known),
      unit: 'times',
      target: ratioMax,
      higherIsBetter: false,
    },
  ]
}

/** Names of the same length, so that not even the bytes differ. */
function newEmail(who: 'known' | 'unknown'): string {
  return `${who.slice(0, 5)}-${randomUUID()}@example.com`
}

async function ask(world: Pick<BenchWorld, 'url'>, path: string, body: unknown, wanted: number): Promise<void> {
  const response = await fetch(`${world.url}/api/v1/auth/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'cf-connecting-ip': `10.${[...randomBytes(3)].join('.')}` },
    body: JSON.stringify(body),
  })
  const text = await response.text()
  if (response.status !== wanted) throw new Error(`${path} answered ${response.status} ${text}`)
}
