import type { Random } from './random.ts'

/** One life of a shard: what waits for it ends with it. Clients and the network have none. */
export type Owner = object

interface Pending {
  owner: Owner | undefined
  what: string
  happen(): void
  /** What still happens out there when the owner dies before the step: a request that had left already. */
  stray: (() => void) | undefined
}

export interface StepOptions {
  owner?: Owner | undefined
  /** Never chosen: whoever waits for it has to give up. What had left may take effect all the same. */
  isHung?: boolean
  stray?: (() => void) | undefined
}

interface WaitOptions {
  owner?: Owner | undefined
  /** Ends the wait early: it guards a call, and passes only when the world makes that call late. */
  signal?: AbortSignal
}

export type Scheduler = ReturnType<typeof createScheduler>

/**
 * All that the world waits for: I/O, timers, messages. Nothing happens by itself; each step happens when the schedule
 * picks it, so that every order of events is one that a seed can choose. `random` is that of the present step.
 */
export function createScheduler(random: () => Random, happened: (what: string) => void) {
  let waiting: Pending[] = []
  let guards: Pending[] = []
  const dead = new WeakSet<Owner>()

  function leave(pending: Pending): void {
    if (pending.stray === undefined || !random().chance(0.5)) return
    waiting.push({ owner: undefined, what: `${pending.what} (late)`, happen: pending.stray, stray: undefined })
  }

  function step<T>(what: string, act: () => T, { owner, isHung = false, stray }: StepOptions = {}): Promise<T> {
    return new Promise((resolve, reject) => {
      // Nothing reaches the dead any more.
      if (owner !== undefined && dead.has(owner)) return
      const happen = () => {
        try {
          resolve(act())
        } catch (error) {
          reject(error)
        }
      }
      const pending = { owner, what, happen, stray }
      if (isHung) leave(pending)
      else waiting.push(pending)
    })
  }

  function guard(ms: number, signal: AbortSignal, owner: Owner | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const pending: Pending = { owner, what: `${ms} ms pass`, happen: resolve, stray: undefined }
      guards.push(pending)
      signal.addEventListener('abort', () => {
        guards = guards.filter((other) => other !== pending)
        reject(new Error('the wait was ended'))
      })
    })
  }

  function run(pending: Pending): void {
    happened(pending.what)
    pending.happen()
  }

  return {
    /** Settles with what `act` answers or throws, once the schedule picks it. */
    step,

    wait: (ms: number, { owner, signal }: WaitOptions = {}): Promise<void> =>
      signal === undefined ? step(`${ms} ms pass`, () => undefined, { owner }) : guard(ms, signal, owner),

    /** Lets one of the steps happen; false when there is none. */
    advance(): boolean {
      if (waiting.length === 0) return false
      const chosen = random().pick(waiting)
      waiting = waiting.filter((other) => other !== chosen)
      run(chosen)
      return true
    },

    /** Makes the call that has waited longest late; false when none waits. */
    timeOut(): boolean {
      const first = guards.shift()
      if (first === undefined) return false
      run(first)
      return true
    },

    /** The owner died: its steps never happen, but what had left it may. */
    abandon(owner: Owner): void {
      dead.add(owner)
      const own = waiting.filter((pending) => pending.owner === owner)
      waiting = waiting.filter((pending) => pending.owner !== owner)
      guards = guards.filter((pending) => pending.owner !== owner)
      own.forEach(leave)
    },

    waitsFor: (owner: Owner): string | undefined => waiting.findLast((pending) => pending.owner === owner)?.what,
    size: () => waiting.length,
    names: () => [...waiting, ...guards].map(({ what }) => what),
  }
}

/** Ends when all that can go on without another step has done so: the code under test waits for nothing but steps. */
export function settled(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve))
}
