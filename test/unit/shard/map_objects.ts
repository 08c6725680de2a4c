import type { ObjectStore } from '../../../src/core/object_store.ts'

/** What becomes of one call: it fails before or after it took effect, or is never answered, with effect or without. */
export type Fault = 'fails' | 'fails_late' | 'hangs' | 'hangs_late'

export interface MapObjects extends ObjectStore {
  readonly objects: Map<string, Uint8Array>
  /** Ends all faults; answers whether one was met. */
  heal(): boolean
  /** The n-th call from now on (0 is the next one) ends so. */
  failAt(call: number, fault: Fault): void
}

/** An object store in memory that fails as it is told. */
export function mapObjects(): MapObjects {
  const objects = new Map<string, Uint8Array>()
  let calls = 0
  const faults = new Map<number, Fault>()

  async function call<T>(work: () => T): Promise<T> {
    const fault = faults.get(calls++)
    if (fault === undefined) return work()
    if (fault.endsWith('_late')) work()
    if (fault.startsWith('hangs')) return new Promise(() => undefined)
    throw new Error('the object storage failed')
  }

  return {
    objects,
    heal() {
      const wasMet = [...faults.keys()].some((at) => at < calls)
      faults.clear()
      return wasMet
    },
    failAt: (at, fault) => void faults.set(calls + at, fault),
    read: (key, start, end) => call(() => objects.get(key)?.slice(start, end)),
    put: (key, bytes) => call(() => void objects.set(key, bytes.slice())),
    delete: (keys) => call(() => keys.forEach((key) => void objects.delete(key))),
  }
}
