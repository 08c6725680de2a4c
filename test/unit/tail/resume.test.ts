import { expect, test } from 'vitest'
import { dayMs } from '../../../src/core/calendar.ts'
import { tailWindowRowsMax } from '../../../src/core/limits.ts'
import { createTailStore } from '../../../src/objects/live-tail/store.ts'
import { nodeSql } from '../shard/node_sql.ts'
import { checkConnection } from './tail_check.ts'
import type { FakeSocket } from './tail_world.ts'
import { sealedRowsMax, TailWorld } from './tail_world.ts'

async function open(world: TailWorld, q = '', cursor?: string): Promise<FakeSocket> {
  const reply = world.connect(q, cursor)
  await world.settle()
  expect(await reply).toBeUndefined()
  return world.sockets.at(-1)!
}

async function store(world: TailWorld, ...blocks: number[]): Promise<void> {
  for (const rows of blocks) world.append(world.shard(0), rows)
  await world.settle()
}

/** The last cursor that a tail of the whole shard had; it is closed now. */
async function cursorNow(world: TailWorld): Promise<string> {
  const socket = await open(world)
  world.disconnect(socket)
  const [ready] = socket.messages
  if (ready?.type !== 'ready') throw new Error('the tail is not ready')
  return ready.cursor
}

test('a cursor behind more sealed rows than are read back is told how many were passed over, and gets the hot ones', async () => {
  const world = new TailWorld(1)
  const cursor = await cursorNow(world)
  await store(world, sealedRowsMax, 1, 30)
  world.shard(0).skipTo = sealedRowsMax + 1
  const socket = await open(world, '', cursor)
  expect(socket.messages[1]).toMatchObject({ type: 'dropped', reason: 'behind', count: sealedRowsMax + 1 })
  expect(checkConnection(socket)).toEqual({ received: 30, slow: 0, skipped: sealedRowsMax + 1 })
})

test('a cursor behind just as many sealed rows as are read back gets all of them', async () => {
  const world = new TailWorld(1)
  const cursor = await cursorNow(world)
  await store(world, sealedRowsMax, 30)
  world.shard(0).skipTo = sealedRowsMax
  expect(checkConnection(await open(world, '', cursor))).toEqual({ received: sealedRowsMax + 30, slow: 0, skipped: 0 })
})

test('one that is far behind takes no row from another that is not', async () => {
  const world = new TailWorld(1)
  const far = await cursorNow(world)
  await store(world, 10)
  const near = await cursorNow(world)
  await store(world, sealedRowsMax, 30)
  world.shard(0).skipTo = sealedRowsMax + 10
  const replies = [world.connect('', far), world.connect('red', near)]
  await world.settle()
  expect(await Promise.all(replies)).toEqual([undefined, undefined])
  const [farSocket, nearSocket] = world.sockets.slice(-2) as [FakeSocket, FakeSocket]
  expect(checkConnection(farSocket)).toEqual({ received: 30, slow: 0, skipped: sealedRowsMax + 10 })
  expect(checkConnection(nearSocket)).toMatchObject({ slow: 0, skipped: 0 })
})

test('an acknowledgement that comes as a catch-up finds nothing to do makes it go on', async () => {
  const world = new TailWorld(1)
  const cursor = await cursorNow(world)
  await store(world, tailWindowRowsMax, tailWindowRowsMax)
  const current = await open(world)
  const reply = world.connect('', cursor)
  while (world.sockets.at(-1) === current) await world.step(0)
  expect(await reply).toBeUndefined()
  const behind = world.sockets.at(-1)!
  world.ack(behind, 0)
  while (world.tasks.length > 0) await world.step(0)
  expect(checkConnection(behind).received).toBe(tailWindowRowsMax)
  // The first of them has nobody to help, the second frees a window.
  for (const socket of [current, behind]) world.ack(socket, socket.messages.length - 1)
  await world.settle()
  expect(checkConnection(behind)).toEqual({ received: 2 * tailWindowRowsMax, slow: 0, skipped: 0 })
})

test('what a tail missed is read from where the retention of the organization begins at that moment', async () => {
  const world = new TailWorld(1)
  const cursor = await cursorNow(world)
  await store(world, 1, 1, 1)
  world.retention = { retentionDays: 3, version: 1 }
  await open(world, '', cursor)
  expect(new Set(world.cutsMs.splice(0))).toEqual(new Set([world.now - 3 * dayMs]))
  world.now += 1000
  await open(world, '', cursor)
  expect(new Set(world.cutsMs.splice(0))).toEqual(new Set([world.now - 3 * dayMs]))
  world.retention = { retentionDays: null, version: 2 }
  await open(world, '', cursor)
  expect(new Set(world.cutsMs)).toEqual(new Set([0]))
})

test('the newest settings hold, whoever came with them: after a restart, and when older ones arrive late', async () => {
  const world = new TailWorld(1)
  const cursor = await cursorNow(world)
  world.retention = { retentionDays: 1, version: 5 }
  await open(world)
  world.restartTail()
  world.retention = { retentionDays: 30, version: 4 }
  await store(world, 1)
  await open(world, '', cursor)
  expect(new Set(world.cutsMs)).toEqual(new Set([world.now - dayMs]))
})

test('the retention that a live tail knows outlives the object', () => {
  const { all } = nodeSql()
  const first = createTailStore(all as never)
  expect(first.loadRetention()).toBeUndefined()
  first.saveRetention({ retentionDays: 30, version: 1 })
  first.saveRetention({ retentionDays: null, version: 2 })
  expect(createTailStore(all as never).loadRetention()).toEqual({ retentionDays: null, version: 2 })
})
