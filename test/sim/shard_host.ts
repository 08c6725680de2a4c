import type { ShardCore } from '../../src/objects/log-shard/core.ts'
import type { ShardIdentity } from '../../src/objects/log-shard/protocol.ts'
import type { GatedSql } from './gated_sql.ts'
import { DiskError, gatedSql } from './gated_sql.ts'
import { createOracle } from './oracle.ts'
import type { SimWorld } from './world.ts'

/** A call did not get through, or its answer did not: the caller cannot know what became of it. */
export class OutageError extends Error {
  constructor(what: string) {
    super(what)
    this.name = 'OutageError'
  }
}

/** One life of a shard's object, from its first call to its eviction or death. */
export interface Life {
  core: ShardCore
  /** Callers that wait for an answer. */
  callers: Set<(error: Error) => void>
  isInAlarm: boolean
}

export type ShardHost = ReturnType<typeof createShardHost>

/**
 * The platform around one shard: its durable storage and alarm, which outlive it, and the present life of its object.
 * `open` makes a core; `oracle` follows whatever is durable.
 */
export function createShardHost(world: SimWorld, identity: ShardIdentity, open: (host: HostParts) => ShardCore) {
  const { scheduler } = world
  const name = `${identity.organizationId}/${identity.shard}`
  const sql = gatedSql(() => void world.totals.faults++)
  const oracle = createOracle()
  const alarm: Alarm = { atMs: null, confirmedMs: null, failures: 0 }
  let life: Life | undefined

  function awake(): Life {
    if (life !== undefined) return life
    const born: Life = { core: undefined as never, callers: new Set(), isInAlarm: false }
    // Set first: what the core starts in its constructor belongs to this life.
    life = born
    try {
      born.core = open({ identity, name, sql, alarm, life: born, confirm, isAlive: (owner) => owner === life })
    } catch (error) {
      kill('its start failed')
      throw error
    }
    void born.core.deliverTail()
    return born
  }

  function confirm(): void {
    sql.confirm()
    alarm.confirmedMs = alarm.atMs
  }

  /** The object is gone with all that it held in memory, and perhaps with what was not confirmed; true when that was kept. */
  function kill(why: string, isKept = world.random().chance(0.5)): boolean {
    if (life === undefined) return true
    const { callers, isInAlarm } = life
    const dead = life
    const place = scheduler.waitsFor(dead)
    life = undefined
    if (isKept) confirm()
    else {
      sql.lose()
      alarm.atMs = alarm.confirmedMs
    }
    // An alarm whose handler did not end is called again.
    if (isInAlarm) alarm.atMs = alarm.confirmedMs = world.nowMs()
    scheduler.abandon(dead)
    world.note(`${name} dies: ${why}${place === undefined ? '' : `, at "${place}"`}`)
    for (const fail of callers) fail(new OutageError(`${name} died`))
    world.totals.kills++
    return isKept
  }

  /** One RPC. `durable` runs once its effect can be lost no more, whether or not the caller gets the answer; then `afterwards`. */
  async function call<T>(
    what: string,
    work: (core: ShardCore) => T | Promise<T>,
    durable: (result: T) => void,
    afterwards?: (core: ShardCore) => Promise<void>,
  ): Promise<T> {
    await scheduler.step(`${name} gets ${what}`, () => {
      if (!world.random().chance(world.rates().network)) return
      world.totals.faults++
      throw new OutageError(`${what} did not arrive`)
    })
    const { core, callers } = reach()
    const answer = Promise.withResolvers<T>()
    callers.add(answer.reject)
    const finish = (result: T): void => {
      const fate = world.random().chance(world.rates().kills) ? world.random().pick(['before', 'after']) : 'none'
      if (fate === 'before' && sql.hasUnconfirmed()) {
        if (kill(`with ${what} not confirmed`)) world.checking(() => durable(result))
        return
      }
      confirm()
      world.checking(() => durable(result))
      if (fate !== 'after') void afterwards?.(core)
      if (fate === 'after') kill(`before it answers ${what}`)
      else void scheduler.step(`${name} answers ${what}`, () => answer.resolve(result)).catch(answer.reject)
    }
    try {
      const result = work(core)
      if (result instanceof Promise) result.then(finish).catch(answer.reject)
      else finish(result)
    } catch (error) {
      // A write that fails breaks the output gate: the object starts anew, without what was not confirmed.
      if (error instanceof DiskError) kill(`its disk fails with ${what}`, false)
      answer.reject(error)
    }
    try {
      return await answer.promise
    } finally {
      callers.delete(answer.reject)
    }
  }

  function reach(): Life {
    try {
      return awake()
    } catch (error) {
      if (error instanceof DiskError) throw new OutageError(`${name} cannot start`)
      throw error
    }
  }

  return {
    identity,
    name,
    sql,
    oracle,
    alarm,
    call,
    kill,
    isAlive: () => life !== undefined,
    isBusy: () => life?.isInAlarm === true,
    core: () => awake().core,

    /** The platform lets an idle object go: all that it wrote was confirmed long ago. */
    evict(): void {
      if (life === undefined || life.callers.size > 0 || scheduler.waitsFor(life) !== undefined) return
      confirm()
      life = undefined
      world.note(`${name} is evicted`)
    },

    /** Calls the alarm handler, as the platform does once the alarm is due. */
    ring(): void {
      if (life?.isInAlarm === true) return
      let ringing: Life
      try {
        ringing = reach()
      } catch (error) {
        world.note(`${name} cannot be woken: ${describe(error)}`)
        return
      }
      alarm.atMs = alarm.confirmedMs = null
      ringing.isInAlarm = true
      world.totals.alarms++
      ringing.core.alarm().then(
        () => ended(ringing, undefined),
        (error: unknown) => ended(ringing, error),
      )
    },
  }

  function ended(ringing: Life, error: unknown): void {
    if (ringing !== life) return
    ringing.isInAlarm = false
    if (error === undefined) {
      confirm()
      alarm.failures = 0
      return
    }
    world.note(`${name} alarm fails: ${describe(error)}`)
    alarm.failures++
    alarm.atMs ??= world.nowMs() + 2000 * 2 ** Math.min(alarm.failures, 6)
    confirm()
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : JSON.stringify(error)
}

interface Alarm {
  atMs: number | null
  confirmedMs: number | null
  failures: number
}

/** What a core is made from. */
export interface HostParts {
  identity: ShardIdentity
  name: string
  sql: GatedSql
  alarm: Alarm
  life: Life
  isAlive(life: Life): boolean
  /** Call it whenever something leaves the object. */
  confirm(): void
}
