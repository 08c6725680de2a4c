import { checkAtRest, checkWorld } from './invariants.ts'
import { eraseSomething, expireSomething, operations, sealSomething } from './operations.ts'
import { queryEverything } from './query_everything.ts'
import { settled } from './scheduler.ts'
import type { ShardHost } from './shard_host.ts'
import type { SimWorld, Totals } from './world.ts'
import { createWorld } from './world.ts'

const secondMs = 1000
const hourMs = 3_600_000
const dayMs = 86_400_000
/** Clients at work at a time: enough for every pair of operations to meet. */
const clientsMax = 6
/** Rounds of alarms after which work that never ends is a failure. */
const restRoundsMax = 400
/** The same for steps that follow each other without an alarm. */
const finishStepsMax = 20_000

export interface Failure {
  seed: number
  /** The steps that were taken, when not all of them. */
  steps: readonly number[]
  error: Error
  trace: readonly string[]
}

export interface Outcome {
  totals: Totals
  failure: Failure | undefined
  /** What happened, line by line. */
  trace: readonly string[]
}

/** Runs the steps of one schedule (all, unless some are named), then lets everything come to rest. */
export async function runSchedule(seed: number, only?: readonly number[]): Promise<Outcome> {
  const world = createWorld(seed)
  const steps = only ?? Array.from({ length: world.config.steps }, (_, step) => step)
  let failure: Failure | undefined
  try {
    for (const step of steps) {
      world.begin(step)
      act(world)
      await settle(world)
      if (step % 16 === 0) checkWorld(world)
    }
    world.begin(world.config.steps)
    await rest(world)
    countOperations(world)
  } catch (error) {
    failure = { seed, steps, error: error as Error, trace: world.trace }
  }
  return { totals: world.totals, failure, trace: world.trace }
}

/** One step: something that waits goes on, a client comes, or something befalls the world. */
function act(world: SimWorld): void {
  const random = world.random()
  const rates = world.rates()
  const isCrowded = world.clients >= clientsMax
  random.weighted<() => void>([
    [world.scheduler.size() > 0 ? 70 : 0, () => void world.scheduler.advance()],
    [isCrowded ? 0 : 30, () => startClient(world)],
    [8, () => ring(world)],
    [8, () => passTime(world)],
    [rates.kills > 0 ? 3 : 0, () => void pickHost(world).kill('the platform moves it')],
    [1, () => evict(world)],
    [rates.hangs > 0 ? 3 : 0, () => void world.scheduler.timeOut()],
    [rates.disk > 0 ? 2 : 0, () => failDisk(world)],
    [rates.damages > 0 ? 1 : 0, () => damage(world)],
    [1, () => sealSomething(world)],
    [1, () => eraseSomething(world)],
    [1, () => expireSomething(world)],
  ])()
}

function startClient(world: SimWorld): void {
  const random = world.random()
  const organization = random.chance(0.5) ? world.organizations[0]! : random.pick(world.organizations)
  const { name, run } = random.weighted(operations)
  world.totals.operations++
  world.start(`${organization.id} ${name}`, () => run(world, organization))
}

function ring(world: SimWorld): void {
  const due = hosts(world).filter(({ alarm, isBusy }) => alarm.atMs !== null && alarm.atMs <= world.nowMs() && !isBusy())
  if (due.length > 0) ringOne(world, world.random().pick(due))
}

function ringOne(world: SimWorld, host: ShardHost): void {
  world.note(`${host.name} has its alarm`)
  host.ring()
}

function passTime(world: SimWorld): void {
  const random = world.random()
  const ms = random.pick([1, 50, secondMs, 10 * secondMs, 60 * secondMs, 400 * secondMs, hourMs, random.chance(0.3) ? dayMs : hourMs])
  const isBack = world.config.hasTimeTravel && random.chance(0.15)
  world.moveClock(isBack ? -Math.min(ms, hourMs) : ms)
  world.note(`the clock moves ${isBack ? 'back ' : ''}by ${ms} ms`)
}

function evict(world: SimWorld): void {
  const host = pickHost(world)
  if (!host.isBusy()) host.evict()
}

function failDisk(world: SimWorld): void {
  const host = pickHost(world)
  const statements = world.random().below(8)
  host.sql.failAfter(statements)
  world.note(`the disk of ${host.name} is to fail in ${statements} statements`)
}

function damage(world: SimWorld): void {
  const key = world.objects.damage()
  if (key !== undefined) world.note(`damage of ${key}`)
}

function hosts(world: SimWorld): ShardHost[] {
  return world.organizations.flatMap(({ shards }) => shards)
}

function pickHost(world: SimWorld): ShardHost {
  return world.random().pick(hosts(world))
}

async function settle(world: SimWorld): Promise<void> {
  await settled()
  if (world.failure !== undefined) throw world.failure
}

/** Faults end, everything that waits goes on, and every alarm is kept until there is nothing left to do. */
async function rest(world: SimWorld): Promise<void> {
  world.note('from here on nothing fails')
  world.endFaults()
  for (const { sql } of hosts(world)) sql.failAfter(Infinity)
  await finish(world)
  world.calm()
  checkWorld(world)
  await queryEverything(world)
  await finish(world)
  for (let round = 0; ; round++) {
    const waiting = hosts(world).filter(({ alarm }) => alarm.atMs !== null)
    if (waiting.length === 0) break
    if (round === restRoundsMax) throw new Error(`the work never ends: ${waiting.map(({ name }) => name).join(', ')}`)
    const next = waiting.reduce((a, b) => ((a.alarm.atMs ?? 0) <= (b.alarm.atMs ?? 0) ? a : b))
    world.moveClock(Math.max(0, (next.alarm.atMs ?? 0) - world.nowMs()))
    ringOne(world, next)
    await finish(world)
  }
  checkWorld(world)
  await queryEverything(world)
  await finish(world)
  checkAtRest(world)
}

function countOperations({ organizations, totals }: SimWorld): void {
  for (const host of organizations.flatMap(({ shards }) => shards)) {
    for (const { kind } of host.core().manifest(host.identity, { afterNumber: 0, limit: 500 }).operations) {
      if (kind === 'seal') totals.seals++
      else totals.rewrites++
    }
  }
}

async function finish(world: SimWorld): Promise<void> {
  await settle(world)
  for (let steps = 0; world.scheduler.advance() || world.scheduler.timeOut(); steps++) {
    await settle(world)
    if (steps === finishStepsMax) throw new Error(`the work never ends: ${world.scheduler.names().join(', ')}`)
  }
  if (world.clients > 0) throw new Error(`${world.clients} clients wait for ever`)
}
