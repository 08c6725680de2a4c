import fc from 'fast-check'
import { expect, it } from 'vitest'
import { openDatabase } from '../../src/db/client.ts'
import { faultyEnv } from '../support/faulty.ts'
import type { Answer } from '../support/receiver.ts'
import { notifyWorld, receiverOf } from './notify_world.ts'

/*
 * Notices are told, consumers come at any time and die at any call of D1, the receiver answers as it likes: in the end it has accepted
 * every notice, in the order in which they were told, and can tell each repeat by its id.
 */

type Step = { kind: 'tell' } | { kind: 'run'; minutes: number; diesAt: number | null }

const steps = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('tell' as const) }),
    fc.record({ kind: fc.constant('run' as const), minutes: fc.nat(3), diesAt: fc.option(fc.integer({ min: 1, max: 8 })) }),
  ),
  { minLength: 3, maxLength: 12 },
)
const answers = fc.array(
  fc.constantFrom<Answer>({}, {}, { status: 503 }, { status: 429, headers: { 'Retry-After': '90' } }, { silent: 'close' }),
  {
    maxLength: 6,
  },
)

async function play(plan: readonly Step[], planned: readonly Answer[]) {
  const receiver = await receiverOf(...planned, {})
  const { tell, run, rows, ctx } = await notifyWorld(receiver.url)
  const told: string[] = []
  let now = Date.now()
  let deaths = 0
  for (const step of plan) {
    if (step.kind === 'tell') {
      told.push((await tell()).id)
      continue
    }
    now += step.minutes * 60_000
    let calls = 0
    const { DB } = faultyEnv(ctx.env, (name) => (name.startsWith('DB.') && ++calls === step.diesAt ? 'fails before' : 'works'))
    await run({ ...ctx, db: openDatabase(DB), now: () => now }).catch(() => void (deaths += 1))
  }
  // The sweep of each minute, until nothing waits.
  for (let i = 0; i < 100 && (await rows()).some(({ status }) => status === 'pending'); i++) {
    now += 5 * 60_000
    await run({ ...ctx, now: () => now })
  }
  const ids = (await receiver.received()).map(({ headers }) => headers['webhook-id'] ?? '')
  const accepted = ids.filter((_, i) => i >= planned.length || JSON.stringify(planned[i]) === '{}')
  return { told, accepted, deaths, states: (await rows()).map(({ status }) => status) }
}

it('is accepted in order, and once as far as its receiver can tell, whoever dies when', async () => {
  await fc.assert(
    fc.asyncProperty(steps, answers, async (plan, planned) => {
      const { told, accepted, deaths, states } = await play(plan, planned)
      expect([...new Set(accepted)]).toEqual(told)
      expect(accepted).toEqual(accepted.toSorted((a, b) => told.indexOf(a) - told.indexOf(b)))
      expect(states).toEqual(told.map(() => 'sent'))
      expect(accepted.length - told.length).toBeLessThanOrEqual(deaths)
    }),
    { numRuns: 12 },
  )
})
