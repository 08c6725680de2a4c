import type { ObjectBucket, ObjectStore } from '../../src/core/object_store.ts'
import { openObjectStore } from '../../src/core/object_store.ts'
import type { Random } from './random.ts'
import type { Owner, Scheduler } from './scheduler.ts'

/** How often each thing goes wrong, 0 to 1. */
export interface FaultRates {
  /** A call fails, before or after it took effect. */
  fails: number
  /** A call is never answered. */
  hangs: number
  /** An object that was written comes out different, shorter or not at all from then on. */
  damages: number
  /** A delivery or a call of an object fails on its way. */
  network: number
  /** A shard dies at any moment. */
  kills: number
  /** A statement of SQLite fails. */
  disk: number
}

export const noFaults: FaultRates = { fails: 0, hangs: 0, damages: 0, network: 0, kills: 0, disk: 0 }

export type SimObjects = ReturnType<typeof createSimObjects>

/** R2 of the simulated world: one bucket for all tenants, as in production. `onFault` hears of each call that goes wrong, and damage. */
export function createSimObjects(scheduler: Scheduler, random: () => Random, rates: () => FaultRates, onFault: () => void) {
  const objects = new Map<string, Uint8Array>()
  /** What was written under a key that was damaged later. */
  const intact = new Map<string, Uint8Array>()
  /** Keys that a request wrote whose sender had died or given up: nobody may know of them. */
  const strays = new Set<string>()
  /** How often each key was deleted. */
  const deletions = new Map<string, number>()
  const calls = { puts: 0, reads: 0, deletes: 0 }

  function befalls(rate: number): boolean {
    const isFault = random().chance(rate)
    if (isFault) onFault()
    return isFault
  }

  function write(key: string, bytes: Uint8Array): void {
    objects.set(key, bytes)
    intact.delete(key)
    strays.delete(key)
  }

  function straggler(key: string, bytes: Uint8Array): () => void {
    return () => {
      const isNew = !objects.has(key)
      write(key, bytes)
      if (isNew) strays.add(key)
    }
  }

  /** A put that is still under way when its key is deleted, long after its sender gave it up, is a straggler too. */
  function arrival(key: string, bytes: Uint8Array): () => void {
    const before = deletions.get(key)
    const late = straggler(key, bytes)
    return () => (deletions.get(key) === before ? write(key, bytes) : late())
  }

  async function put(owner: Owner | undefined, key: string, given: Uint8Array): Promise<void> {
    calls.puts++
    const bytes = new Uint8Array(given)
    const what = `put ${key}`
    const { fails, hangs } = rates()
    if (befalls(hangs)) return scheduler.step(`${what} hangs`, () => undefined, { owner, isHung: true, stray: straggler(key, bytes) })
    const fate = befalls(fails) ? random().pick(['before', 'after', 'late']) : 'none'
    const arrive = arrival(key, bytes)
    await scheduler.step(
      fate === 'none' ? what : `${what} fails ${fate}`,
      () => {
        if (fate === 'none' || fate === 'after') arrive()
        if (fate === 'late') void scheduler.step(`${what} (late)`, straggler(key, bytes))
        if (fate !== 'none') throw new Error(`put: the connection was lost`)
      },
      { owner, stray: straggler(key, bytes) },
    )
  }

  async function get(owner: Owner | undefined, key: string, offset: number, length: number) {
    calls.reads++
    const { fails, hangs } = rates()
    if (befalls(hangs)) return scheduler.step(`get ${key} hangs`, () => null, { owner, isHung: true })
    const isFailing = befalls(fails)
    return scheduler.step(
      `get ${key} ${offset}+${length}${isFailing ? ' fails' : ''}`,
      () => {
        if (isFailing) throw new Error('get: the connection was lost')
        const object = objects.get(key)
        if (object === undefined) return null
        // As R2 and its simulator do.
        if (offset >= object.length) throw new Error('get: The requested range is not satisfiable (10039)')
        const bytes = object.slice(offset, offset + length)
        return { arrayBuffer: async () => bytes.buffer }
      },
      { owner },
    )
  }

  async function remove(owner: Owner | undefined, keys: readonly string[]): Promise<void> {
    calls.deletes++
    const { fails, hangs } = rates()
    const gone = (part: readonly string[]) => {
      for (const key of part) {
        deletions.set(key, (deletions.get(key) ?? 0) + 1)
        objects.delete(key)
        intact.delete(key)
        strays.delete(key)
      }
    }
    if (befalls(hangs)) return scheduler.step('delete hangs', () => undefined, { owner, isHung: true, stray: () => gone(keys) })
    const fate = befalls(fails) ? random().pick(['before', 'after', 'halfway']) : 'none'
    await scheduler.step(
      `delete ${keys.join(' ')}${fate === 'none' ? '' : ` fails ${fate}`}`,
      () => {
        if (fate !== 'before') gone(fate === 'halfway' ? keys.slice(0, keys.length >>> 1) : keys)
        if (fate !== 'none') throw new Error('delete: the connection was lost')
      },
      { owner, stray: () => gone(keys) },
    )
  }

  return {
    objects,
    calls,
    strays: strays as ReadonlySet<string>,
    damagedKeys: (): string[] => [...intact.keys()],
    isDamaged: (key: string): boolean => intact.has(key),
    /** What was written, also where it was damaged since. */
    written: (key: string): Uint8Array | undefined => intact.get(key) ?? objects.get(key),

    /** The bucket as one life of a shard, or a Worker (no owner), sees it through the service's own adapter. */
    as(owner?: Owner): ObjectStore {
      const bucket: ObjectBucket = {
        get: (key, { range }) => get(owner, key, range.offset, range.length),
        put: (key, bytes) => put(owner, key, bytes),
        delete: (keys) => remove(owner, keys),
      }
      return openObjectStore(bucket, (ms, options) => scheduler.wait(ms, { ...options, owner }))
    },

    /** Changes, cuts or loses one object for good; answers its key. */
    damage(): string | undefined {
      const keys = [...objects.keys()].filter((key) => !intact.has(key))
      if (keys.length === 0) return undefined
      const key = random().pick(keys)
      const bytes = objects.get(key)!
      intact.set(key, bytes)
      onFault()
      const how = random().pick(['byte', 'byte', 'cut', 'lost'])
      if (how === 'lost') objects.delete(key)
      else if (how === 'cut') objects.set(key, bytes.slice(0, random().below(bytes.length)))
      else {
        const changed = bytes.slice()
        changed[random().below(bytes.length)]! ^= 1 << random().below(8)
        objects.set(key, changed)
      }
      return key
    },
  }
}
