import { objectCallMs, objectReadRetryWaitsMs } from './limits.ts'

/** What the engine and the shard need of R2; a map in tests. Every method may reject: storage is across a network. */
export interface ObjectStore {
  /** Bytes start to end (exclusive) of an object, fewer when it ends before; undefined when there is no such object. */
  read(key: string, start: number, end: number): Promise<Uint8Array | undefined>
  /** Writes a whole object; a repeat overwrites. With a hexadecimal SHA-256 the store refuses bytes that arrive changed. */
  put(key: string, bytes: Uint8Array, sha256?: string): Promise<void>
  /** Deletes objects; those that do not exist count as deleted. */
  delete(keys: readonly string[]): Promise<void>
}

/** The part of an R2 bucket that is used, so that src/core knows no Cloudflare type. */
export interface ObjectBucket {
  get(key: string, options: { range: { offset: number; length: number } }): Promise<{ arrayBuffer(): Promise<ArrayBuffer> } | null>
  put(key: string, bytes: Uint8Array, options?: { sha256: string }): Promise<unknown>
  delete(keys: string[]): Promise<void>
}

/** Waits; `signal` ends it early by a rejection. */
export type Wait = (ms: number, options?: { signal: AbortSignal }) => Promise<void>

/**
 * An R2 bucket as an `ObjectStore`: no call waits longer than `objectCallMs`, and reads, which change nothing, are tried
 * again. `wait` is `scheduler.wait`.
 */
export function openObjectStore(bucket: ObjectBucket, wait: Wait): ObjectStore {
  async function read(key: string, start: number, end: number): Promise<Uint8Array | undefined> {
    if (end <= start) throw new RangeError(`bytes ${start} to ${end} of an object`)
    const object = await bucket.get(key, { range: { offset: start, length: end - start } }).catch(emptyWhenBehindEnd)
    return object === null ? undefined : new Uint8Array(await object.arrayBuffer())
  }

  return {
    async read(key, start, end) {
      for (const waitMs of objectReadRetryWaitsMs) {
        try {
          return await inTime(wait, 'read', read(key, start, end))
        } catch {
          await wait(waitMs)
        }
      }
      return inTime(wait, 'read', read(key, start, end))
    },
    async put(key, bytes, sha256) {
      await inTime(wait, 'put', bucket.put(key, bytes, sha256 === undefined ? undefined : { sha256 }))
    },
    delete: (keys) => inTime(wait, 'delete', bucket.delete([...keys])),
  }
}

const noBytes = { arrayBuffer: async () => new ArrayBuffer(0) }

/** R2 error 10039 says that the range begins behind the end: the object was cut short, which the reader of the bytes tells. */
function emptyWhenBehindEnd(error: unknown): typeof noBytes {
  if (error instanceof Error && error.message.includes('(10039)')) return noBytes
  throw error
}

/** The call's own answer, or an error once it takes too long; its late answer is dropped. */
async function inTime<T>(wait: Wait, name: string, call: Promise<T>): Promise<T> {
  const done = new AbortController()
  const late = wait(objectCallMs, { signal: done.signal }).then(
    () => {
      throw new Error(`the object storage did not answer a ${name} within ${objectCallMs} ms`)
    },
    () => call,
  )
  try {
    return await Promise.race([call, late])
  } finally {
    done.abort()
  }
}
