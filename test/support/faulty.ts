import { withMethods } from '../../src/core/with_methods.ts'

/** Whether a call of a binding succeeds, or fails before or after it took effect. */
export type Fate = 'works' | 'fails before' | 'fails after'

/** Decides on each call as it comes; `name` is binding and method. */
export type Plan = (name: string) => Fate

/** What the platform says of its own troubles. */
const troubles: Readonly<Record<string, () => Error>> = {
  DB: () => new Error('D1_ERROR: Network connection lost.'),
  STORAGE: () => new Error('get: We encountered an internal error. Please try again. (10001)'),
  queue: () => new Error('Queue send failed: Service Unavailable'),
  object: () => Object.assign(new Error('Network connection lost.'), { retryable: true }),
}

/** An Env whose storages, queues and Durable Objects fail as planned. What it does not change is the real one. */
export function faultyEnv<E extends object>(env: E, plan: Plan): E {
  return new Proxy(Object.create(env) as E, {
    get(_, name) {
      const value: unknown = Reflect.get(env, name)
      if (typeof value !== 'object' || value === null) return value
      if (name === 'DB') return faultyDatabase(value as D1Database, plan)
      if (name === 'STORAGE') return faultyBucket(value as R2Bucket, plan)
      if (name === 'LOG_SHARD') return faultyNamespace(value as DurableObjectNamespace, plan)
      if ('sendBatch' in value) return faultyQueue(value as Queue, plan)
      return value
    },
  })
}

async function attempt<T>(plan: Plan, binding: string, method: string, work: () => Promise<T>): Promise<T> {
  const fate = plan(`${binding}.${method}`)
  const trouble = troubles[binding] ?? troubles['object']!
  if (fate === 'fails before') throw trouble()
  const result = await work()
  if (fate === 'fails after') throw trouble()
  return result
}

const realStatements = new WeakMap<D1PreparedStatement, D1PreparedStatement>()

function faultyDatabase(database: D1Database, plan: Plan): D1Database {
  const wrapped = (statement: D1PreparedStatement): D1PreparedStatement => {
    const faulty = withMethods<D1PreparedStatement>(statement, {
      bind: (...values) => wrapped(statement.bind(...values)),
      all: () => attempt(plan, 'DB', 'all', () => statement.all()),
      run: () => attempt(plan, 'DB', 'run', () => statement.run()),
      first: ((...column: [string]) => attempt(plan, 'DB', 'first', () => statement.first(...column))) as D1PreparedStatement['first'],
      raw: (...options: [never]) => attempt(plan, 'DB', 'raw', () => statement.raw(...options)),
    })
    realStatements.set(faulty, statement)
    return faulty
  }
  return withMethods<D1Database>(database, {
    prepare: (text) => wrapped(database.prepare(text)),
    batch: <T>(statements: D1PreparedStatement[]) => {
      return attempt(plan, 'DB', 'batch', () => database.batch<T>(statements.map((each) => realStatements.get(each) ?? each)))
    },
  })
}

function faultyBucket(bucket: R2Bucket, plan: Plan): R2Bucket {
  return withMethods<R2Bucket>(bucket, {
    get: (...args: Parameters<R2Bucket['get']>) => attempt(plan, 'STORAGE', 'get', () => bucket.get(...args)),
    put: ((...args: Parameters<R2Bucket['put']>) => attempt(plan, 'STORAGE', 'put', () => bucket.put(...args))) as R2Bucket['put'],
    delete: (keys) => attempt(plan, 'STORAGE', 'delete', () => bucket.delete(keys)),
  })
}

function faultyQueue(queue: Queue, plan: Plan): Queue {
  return withMethods<Queue>(queue, {
    send: (...args) => attempt(plan, 'queue', 'send', () => queue.send(...args)),
    sendBatch: (...args) => attempt(plan, 'queue', 'sendBatch', () => queue.sendBatch(...args)),
  })
}

function faultyNamespace<T extends DurableObjectNamespace>(namespace: T, plan: Plan): T {
  const wrapped = (stub: object): object =>
    new Proxy(stub, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target)
        if (typeof value !== 'function' || name === 'then' || typeof name === 'symbol') return value
        // A property of a stub is a remote method, and so is every property of that: it can only be called in place.
        const remote = target as Record<string, (...args: unknown[]) => Promise<unknown>>
        return (...args: unknown[]) => attempt(plan, 'object', name, async () => remote[name]?.(...args))
      },
    })
  return withMethods<DurableObjectNamespace>(namespace, {
    get: (...args) => wrapped(namespace.get(...args)) as DurableObjectStub,
    getByName: (...args) => wrapped(namespace.getByName(...args)) as DurableObjectStub,
  }) as T
}
