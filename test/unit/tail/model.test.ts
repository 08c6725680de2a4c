import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { tailResumeRowsMax } from '../../../src/core/limits.ts'
import type { FakeSocket } from './tail_world.ts'
import { checkConnection, positionsOf } from './tail_check.ts'
import { TailWorld } from './tail_world.ts'
import { runs } from '../../support/effort.ts'

const queries = ['', 'red', 'green']

/** What may happen next; `a` and `b` choose among shards, sockets, messages and calls under way. */
const happening = fc.record({
  kind: fc.oneof(
    { weight: 30, arbitrary: fc.constant('step' as const) },
    { weight: 8, arbitrary: fc.constant('append' as const) },
    { weight: 4, arbitrary: fc.constantFrom('connect' as const, 'resume' as const, 'ack' as const) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        'burst' as const,
        'burst' as const,
        'flood' as const,
        'disconnect' as const,
        'add_shard' as const,
        'damage' as const,
        'seal' as const,
      ),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom('restart_tail' as const, 'restart_shard' as const, 'lose_call' as const, 'lose_answer' as const),
    },
  ),
  a: fc.nat(1000),
  b: fc.nat(1000),
})
type Happening = typeof happening extends fc.Arbitrary<infer T> ? T : never

async function happen(world: TailWorld, { kind, a, b }: Happening): Promise<void> {
  const socket = world.sockets[a % Math.max(1, world.sockets.length)]
  const cursors = socket?.messages.filter((message) => 'cursor' in message) ?? []
  const q = queries[b % queries.length] ?? ''
  const acts: Record<Exclude<Happening['kind'], 'step'>, () => unknown> = {
    append: () => world.append(world.shard(a), 1 + (b % 20)),
    burst: () => world.append(world.shard(a), 25_000),
    flood: () => b % 10 === 0 && world.append(world.shard(a), tailResumeRowsMax / 2),
    damage: () => world.append(world.shard(a), 5, true),
    seal: () => (world.shard(a).skipTo = world.shard(a).lastSeq),
    connect: () => world.connect(q),
    resume: () => cursors.length > 0 && world.connect(q, cursors[b % cursors.length]?.cursor),
    ack: () => socket && world.ack(socket, socket.messages.length - 1),
    disconnect: () => socket && world.disconnect(socket),
    add_shard: () => world.shards.length < 4 && world.addShard(),
    restart_tail: () => world.restartTail(),
    restart_shard: () => world.restartShard(world.shard(a)),
    lose_call: () => (world.failNext = 1 + (b % 5)),
    lose_answer: () => (world.failNextAnswer = 1),
  }
  // What it starts goes on call by call, in the steps that follow.
  if (kind !== 'step') acts[kind]()
  await world.step(b)
}

test('each subscriber gets every matching row after its start once, in shard order, except those told as dropped', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(happening, { minLength: 20, maxLength: 120 }), async (happenings) => {
      const world = new TailWorld(2)
      for (const each of happenings) await happen(world, each)
      Object.assign(world, { failNext: 0, failNextAnswer: 0 })
      await world.settle()
      // Unless a shard gave up or restarted, nobody waits for a row that no further batch calls for.
      if (!happenings.some(({ kind }) => kind === 'restart_shard' || kind === 'lose_call')) expectAllCaughtUp(world)
      // A shard that restarted before it delivered tells of its rows with the next batch.
      for (const shard of world.shards) world.append(shard, 1)
      await world.settle()
      expectAllCaughtUp(world)
      for (const socket of world.sockets) expect(checkConnection(socket).received).toBeGreaterThanOrEqual(0)
    }),
    { numRuns: runs(400) },
  )
}, 60_000)

function expectAllCaughtUp(world: TailWorld): void {
  for (const socket of world.sockets.filter(({ open }) => open))
    for (const { identity, lastSeq } of world.shards) expect(positionIn(socket, identity.shard)).toBe(lastSeq)
}

function positionIn(socket: FakeSocket, shard: number): number {
  return positionsOf(socket.attachment?.cursor ?? '').get(shard) ?? 0
}
