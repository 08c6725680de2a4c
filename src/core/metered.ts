import { costKinds } from './costs.ts'
import type { Costs, CountCost } from './costs.ts'
import { meteredDatabase } from './metered_database.ts'
import { withMethods } from './with_methods.ts'

/** Bindings of an Env, told apart by what they are; an Env may lack any of them. */
interface Bindings {
  DB: D1Database
  RATE_LIMITS: KVNamespace
  STORAGE: R2Bucket
}

/**
 * The bindings of an Env with every billed call counted. Nothing else about them changes; vars and secrets are the same
 * values. The one place where the Worker counts its calls.
 */
export function meteredBindings<E extends Bindings>(env: E, count: CountCost): E {
  // A proxy of the Env itself could not answer another value where a property is read-only.
  return new Proxy(Object.create(env) as E, {
    get(_, name) {
      const value: unknown = Reflect.get(env, name)
      if (typeof value !== 'object' || value === null) return value
      return meteredBinding(String(name), value, count)
    },
  })
}

function meteredBinding(name: string, binding: object, count: CountCost): object {
  if (name === 'DB') return meteredDatabase(binding as D1Database, count)
  if (name === 'RATE_LIMITS') return meteredKv(binding as KVNamespace, count)
  if (name === 'STORAGE') return meteredBucket(binding as R2Bucket, count)
  if ('getByName' in binding) return meteredNamespace(binding as DurableObjectNamespace, count)
  if ('sendBatch' in binding) return meteredQueue(binding as Queue, count)
  return binding
}

/** Every call of an object's method is one billed request. Takes the namespace that makes the stubs. */
export function meteredNamespace<T extends DurableObjectNamespace>(namespace: T, count: CountCost): T {
  return withMethods<DurableObjectNamespace>(namespace, {
    get: (...args) => meteredStub(namespace.get(...args), count),
    getByName: (...args) => meteredStub(namespace.getByName(...args), count),
  }) as T
}

/**
 * Entrypoints of this Worker that it calls itself: such a call is no billed request, but what it spends is counted with the
 * request or job that made it.
 */
export function meteredExports<T extends object>(exports: T, count: CountCost): T {
  return new Proxy(exports, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      const isStub = (typeof value === 'object' && value !== null) || typeof value === 'function'
      return isStub ? meteredStub(value, count, 0) : value
    },
  })
}

/**
 * The properties of a stub are callable remote methods, whatever their name, so none of them is looked into. A reply may carry
 * what was spent on it (`spent`): that is counted here, beside the billed requests that a call is.
 */
function meteredStub<T extends object>(stub: T, count: CountCost, requests = 1): T {
  return new Proxy(stub, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function' || name === 'then' || typeof name === 'symbol') return value
      return (...args: unknown[]): unknown => {
        if (requests > 0) count('do_requests', requests)
        const reply = (target as Record<string, (...args: unknown[]) => unknown>)[name]?.(...args)
        // A call that fails is its caller's concern.
        Promise.resolve(reply).then(
          (value) => countSpent(value, count),
          () => {},
        )
        return reply
      }
    },
  })
}

function countSpent(reply: unknown, count: CountCost): void {
  if (typeof reply !== 'object' || reply === null || !('spent' in reply)) return
  const spent = reply.spent as Costs
  for (const kind of costKinds) if (spent[kind] !== undefined) count(kind, spent[kind])
}

export function meteredBucket(bucket: R2Bucket, count: CountCost): R2Bucket {
  const get = async (...args: Parameters<R2Bucket['get']>) => {
    count('r2_class_b')
    const object = await bucket.get(...args)
    if (object !== null && 'body' in object) count('r2_bytes_read', lengthOf(object))
    return object
  }
  return withMethods<R2Bucket>(bucket, {
    get,
    head(key) {
      count('r2_class_b')
      return bucket.head(key)
    },
    put: (async (key, value, options) => {
      count('r2_class_a')
      const object = await bucket.put(key, value, options)
      // Null when a condition of the options did not hold: then nothing was written.
      if (object !== null) count('r2_bytes_written', object.size)
      return object
    }) as R2Bucket['put'],
    list(options) {
      count('r2_class_a')
      return bucket.list(options)
    },
    delete(keys) {
      count('r2_deletes')
      return bucket.delete(keys)
    },
    async createMultipartUpload(key, options) {
      count('r2_class_a')
      return meteredUpload(await bucket.createMultipartUpload(key, options), count)
    },
    resumeMultipartUpload: (key, uploadId) => meteredUpload(bucket.resumeMultipartUpload(key, uploadId), count),
  })
}

function meteredUpload(upload: R2MultipartUpload, count: CountCost): R2MultipartUpload {
  return withMethods<R2MultipartUpload>(upload, {
    uploadPart(...args) {
      count('r2_class_a')
      return upload.uploadPart(...args)
    },
    async complete(parts) {
      count('r2_class_a')
      const object = await upload.complete(parts)
      count('r2_bytes_written', object.size)
      return object
    },
  })
}

/** Bytes of the range that was asked for, or of the whole object. */
function lengthOf({ size, range }: R2Object): number {
  const { offset = 0, length = size, suffix }: { offset?: number; length?: number; suffix?: number } = range ?? {}
  return suffix === undefined ? Math.min(length, size - offset) : Math.min(suffix, size)
}

/** A read of many keys is billed for each of them. */
function meteredKv(kv: KVNamespace, count: CountCost): KVNamespace {
  const counted = (method: 'get' | 'getWithMetadata') =>
    ((keys: string | string[], ...rest: unknown[]): unknown => {
      count('kv_reads', Array.isArray(keys) ? keys.length : 1)
      return (kv[method] as (...args: unknown[]) => unknown)(keys, ...rest)
    }) as never
  return withMethods<KVNamespace>(kv, {
    get: counted('get'),
    getWithMetadata: counted('getWithMetadata'),
    put(...args) {
      count('kv_writes')
      return kv.put(...args)
    },
    delete(key) {
      count('kv_deletes')
      return kv.delete(key)
    },
    list(options) {
      count('kv_lists')
      return kv.list(options)
    },
  })
}

const queueUnitBytes = 64 * 1024

/** Each 64 KB of a message are billed when it is written, read and deleted: all three are counted where it is sent. */
function meteredQueue(queue: Queue, count: CountCost): Queue {
  const countMessage = (body: unknown) => count('queue_operations', 3 * Math.ceil((JSON.stringify(body) ?? '').length / queueUnitBytes))
  return withMethods<Queue>(queue, {
    send(body, options) {
      countMessage(body)
      return queue.send(body, options)
    },
    sendBatch(messages, options) {
      const list = [...messages]
      for (const { body } of list) countMessage(body)
      return queue.sendBatch(list, options)
    },
  })
}

/** Counts the rows that statements on a Durable Object's SQLite read and write; answers all rows of the statement. */
export function meteredSql(sql: Pick<SqlStorage, 'exec'>, count: CountCost) {
  return <T extends Record<string, SqlStorageValue>>(query: string, ...bindings: SqlStorageValue[]): T[] => {
    const cursor = sql.exec<T>(query, ...bindings)
    const rows = cursor.toArray()
    count('do_rows_read', cursor.rowsRead)
    count('do_rows_written', cursor.rowsWritten)
    return rows
  }
}
