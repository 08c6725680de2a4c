import type { ShardDeps } from '../../src/objects/log-shard/core.ts'
import { createShardCore } from '../../src/objects/log-shard/core.ts'
import type { Account } from './account.ts'
import { createAccount } from './account.ts'
import type { FaultRates, SimObjects } from './object_store.ts'
import { createSimObjects, noFaults } from './object_store.ts'
import type { Random } from './random.ts'
import { createRandom, stepSeed } from './random.ts'
import type { Scheduler } from './scheduler.ts'
import { createScheduler } from './scheduler.ts'
import type { HostParts, ShardHost } from './shard_host.ts'
import { createShardHost, OutageError } from './shard_host.ts'
import type { KeyedBatch } from './write_operations.ts'
import { receiveTail } from './tail.ts'

export const startMs = Date.parse('2026-11-22T00:00:00Z')
const kib = 1024

export interface Organization {
  id: string
  isGiant: boolean
  shards: ShardHost[]
  /** Rows received before this have expired; it never goes back. */
  keepFromMs: number
  account: Account
  /** Batches with an idempotency key, newest last. */
  keyed: KeyedBatch[]
  erasures: { id: string; host: ShardHost; matched: number }[]
}

export interface Totals {
  operations: number
  rows: number
  queries: number
  kills: number
  /** What went wrong on purpose besides: calls of R2 and messages that failed or hung, failed disks, damaged objects. */
  faults: number
  alarms: number
  seals: number
  rewrites: number
}

/** Nothing goes wrong; anything but stored bytes does; only stored bytes do. */
type Mood = 'calm' | 'stormy' | 'damaging'

/** What a seed decides before the first step. */
export interface SimConfig {
  mood: Mood
  steps: number
  rates: FaultRates
  limits: ShardDeps['limits']
  organizations: number
  shards: number
  /** The clock goes back now and then. */
  hasTimeTravel: boolean
}

export interface SimWorld {
  readonly config: SimConfig
  readonly scheduler: Scheduler
  readonly objects: SimObjects
  readonly organizations: Organization[]
  readonly totals: Totals
  /** Clients at work. */
  clients: number
  failure: Error | undefined
  /** Chance of the present step: what happens in a step depends on its own number only, and on what went before. */
  random(): Random
  rates(): FaultRates
  nowMs(): number
  /** The greatest time that the clock ever showed. */
  greatestMs(): number
  moveClock(ms: number): void
  /** Makes `step` the present one. */
  begin(step: number): void
  /** From here on nothing new goes wrong; what was decided before still does. */
  endFaults(): void
  /** From here on an error is one of the service. */
  calm(): void
  isCalm(): boolean
  /** Keeps what `check` complains of as the failure of the schedule, where the code under test would swallow it. */
  checking(check: () => void): void
  /** A line of the trace. */
  note(text: string): void
  readonly trace: string[]
  /** Runs a client beside all else; it may end with an outage, but not with an error of the service. */
  start(what: string, work: () => Promise<void>): void
}

export function createWorld(seed: number): SimWorld {
  const config = configOf(createRandom(seed))
  let random = createRandom(stepSeed(seed, -1))
  let rates = config.rates
  let nowMs = startMs
  let greatestMs = startMs
  let step = -1
  let isCalm = false
  const trace: string[] = []
  const note = (text: string): void => void trace.push(`${step} ${text}`)
  const scheduler = createScheduler(() => random, note)
  const world: SimWorld = {
    config,
    scheduler,
    objects: createSimObjects(
      scheduler,
      () => random,
      () => rates,
      () => void world.totals.faults++,
    ),
    organizations: [],
    totals: { operations: 0, rows: 0, queries: 0, kills: 0, faults: 0, alarms: 0, seals: 0, rewrites: 0 },
    clients: 0,
    failure: undefined,
    random: () => random,
    rates: () => rates,
    nowMs: () => nowMs,
    greatestMs: () => greatestMs,
    moveClock(ms) {
      nowMs = Math.max(startMs - 30 * 86_400_000, nowMs + ms)
      greatestMs = Math.max(greatestMs, nowMs)
    },
    begin(next) {
      step = next
      random = createRandom(stepSeed(seed, next))
    },
    endFaults: () => void (rates = noFaults),
    calm: () => void (isCalm = true),
    isCalm: () => isCalm,
    checking(check) {
      try {
        check()
      } catch (error) {
        world.failure ??= error as Error
      }
    },
    note,
    trace,
    start(what, work) {
      note(what)
      world.clients++
      work()
        .catch((error: unknown) => {
          if (isOutage(world, error)) note(`${what} meets an outage: ${String(error)}`)
          else world.failure ??= error instanceof Error ? error : new Error(String(error))
        })
        .finally(() => world.clients--)
    },
  }
  for (let i = 0; i < config.organizations; i++) world.organizations.push(createOrganization(world, i))
  return world
}

function configOf(random: Random): SimConfig {
  const mood = random.weighted<Mood>([
    [2, 'calm'],
    [6, 'stormy'],
    [2, 'damaging'],
  ])
  const rate = (most: number) => (mood === 'stormy' ? random.below(1000) * (most / 1000) : 0)
  return {
    mood,
    steps: 60 + random.below(240),
    rates: {
      fails: rate(0.15),
      hangs: rate(0.05),
      damages: mood === 'damaging' ? 0.03 : 0,
      network: rate(0.1),
      kills: rate(0.05),
      disk: rate(0.02),
    },
    limits: {
      sealBytes: random.pick([1, 2 * kib, 8 * kib, 32 * kib]),
      sealAgeMs: random.pick([1000, 300_000]),
      appendsPerSecondMax: 1000,
      bytesPerSecondMax: 2 ** 30,
    },
    organizations: 1 + random.below(3),
    shards: 1 + random.below(2),
    hasTimeTravel: mood === 'stormy' && random.chance(0.4),
  }
}

function createOrganization(world: SimWorld, i: number): Organization {
  const id = `org${i}`
  const shards = Array.from({ length: world.config.shards }, (_, n) =>
    createShardHost(world, { organizationId: id, region: n === 0 ? 'weur' : 'enam', shard: n + i }, (parts) => openCore(world, parts)),
  )
  const rowsPerMinute = world.random().chance(0.3) ? 20 + world.random().below(200) : null
  const quota = rowsPerMinute === null ? null : { rowsPerMinute, bytesPerMinute: null, rowsPerMonth: null, bytesPerMonth: null }
  return { id, isGiant: i === 0, shards, keepFromMs: 0, account: createAccount(quota), keyed: [], erasures: [] }
}

function openCore(world: SimWorld, { sql, alarm, life, name, confirm, isAlive }: HostParts) {
  const { scheduler } = world
  const objects = world.objects.as(life)
  return createShardCore({
    sql: {
      all(...statement) {
        if (!isAlive(life)) throw new Error(`a dead object of ${name} reads or writes`)
        return sql.all(...statement)
      },
      transaction: sql.transaction,
    },
    objects: {
      read: (...call) => (confirm(), objects.read(...call)),
      put: (...call) => (confirm(), objects.put(...call)),
      delete: (...call) => (confirm(), objects.delete(...call)),
    },
    limits: world.config.limits,
    now: world.nowMs,
    async deliver(identity, blocks) {
      confirm()
      return scheduler.step(`${name} delivers ${blocks.length} blocks`, () => receiveTail(world, identity, blocks), { owner: life })
    },
    async askLedger(ledger, request) {
      confirm()
      const host = world.organizations
        .flatMap(({ shards }) => shards)
        .find(({ identity: { organizationId, shard } }) => organizationId === ledger.organizationId && shard === ledger.shard)
      if (host === undefined) throw new Error(`there is no ledger ${JSON.stringify(ledger)}`)
      const reply = await host.call(
        'a request for quota',
        (core) => core.lease(ledger, request),
        () => undefined,
      )
      return scheduler.step(`${name} gets its quota`, () => reply, { owner: life })
    },
    wait: (ms) => scheduler.step(`${name} waits ${ms} ms`, () => undefined, { owner: life }),
    yield: () => scheduler.step(`${name} yields`, () => undefined, { owner: life }),
    setAlarm: (ms) => void (alarm.atMs = ms),
    log(level, message, attributes) {
      const line = `${message} ${JSON.stringify(attributes)}`
      world.note(`${name} logs ${level}: ${line}`)
      const isExplained = world.config.rates.damages > 0 && (isLookedForAgain(line) || !message.includes('job failed'))
      if (level === 'error' && (world.isCalm() || world.config.mood === 'calm') && !isExplained) world.failure ??= new Error(line)
    },
  })
}

const outages = [/the connection was lost/, /did not answer/, /the disk failed/]

/** A job that lacks an object comes back to it until the object counts as lost. */
function isLookedForAgain(text: string): boolean {
  return text.includes('cannot be found at the moment')
}

/** True for an error that the faults of this world explain. */
export function isOutage(world: SimWorld, error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (world.config.rates.damages > 0 && isLookedForAgain(error.message)) return true
  if (world.isCalm()) return false
  return error instanceof OutageError || outages.some((outage) => outage.test(error.message))
}
