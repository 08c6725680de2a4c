import { describe, expect, test } from 'vitest'
import { objectCallMs, objectReadRetryWaitsMs } from '../../../src/core/limits.ts'
import type { ObjectBucket, Wait } from '../../../src/core/object_store.ts'
import { openObjectStore } from '../../../src/core/object_store.ts'

type Get = ObjectBucket['get']

/** A bucket whose calls are given, a clock that passes when it is told, and the waits that were asked for. */
function store(given: Partial<ObjectBucket>) {
  const waits: number[] = []
  const guards: (() => void)[] = []
  const wait: Wait = (ms, options) => {
    if (options === undefined) {
      waits.push(ms)
      return Promise.resolve()
    }
    return new Promise((resolve, reject) => {
      guards.push(resolve)
      options.signal.addEventListener('abort', () => reject(new Error('aborted')))
    })
  }
  const refuse = () => Promise.reject(new Error('not called'))
  const objects = openObjectStore({ get: refuse, put: refuse, delete: refuse, ...given }, wait)
  return { objects, waits, passTime: () => guards.forEach((pass) => pass()) }
}

const found = (bytes: number[]) => ({ arrayBuffer: async () => new Uint8Array(bytes).buffer })

describe('reading an object', () => {
  test('asks for the range and gives its bytes', async () => {
    const asked: unknown[] = []
    const get: Get = async (key, options) => {
      asked.push([key, options])
      return found([1, 2])
    }
    expect(await store({ get }).objects.read('key', 10, 12)).toEqual(new Uint8Array([1, 2]))
    expect(asked).toEqual([['key', { range: { offset: 10, length: 2 } }]])
    await expect(store({ get }).objects.read('key', 5, 5)).rejects.toThrow(RangeError)
  })

  test('tells an object that is missing from one that ends before the range', async () => {
    expect(await store({ get: async () => null }).objects.read('key', 0, 1)).toBeUndefined()
    const beyond = () => Promise.reject(new Error('get: The requested range is not satisfiable (10039)'))
    expect(await store({ get: beyond }).objects.read('key', 10, 11)).toEqual(new Uint8Array())
  })

  test('is tried again, and rejects when it fails every time', async () => {
    let calls = 0
    const failing = (times: number): Get => {
      calls = 0
      return async () => {
        if (calls++ < times) throw new Error('the connection was lost')
        return found([7])
      }
    }
    const tries = objectReadRetryWaitsMs.length
    const good = store({ get: failing(tries) })
    expect(await good.objects.read('key', 0, 1)).toEqual(new Uint8Array([7]))
    expect(good.waits).toEqual(objectReadRetryWaitsMs)
    await expect(store({ get: failing(tries + 1) }).objects.read('key', 0, 1)).rejects.toThrow('the connection was lost')
    expect(calls).toBe(tries + 1)
  })
})

describe('a call that is never answered', () => {
  test('rejects in time, whatever it is', async () => {
    const never = () => new Promise<never>(() => undefined)
    const { objects, passTime } = store({ put: never, delete: never })
    const calls = [objects.put('key', new Uint8Array(1)), objects.delete(['key'])]
    passTime()
    const late = `did not answer a put within ${objectCallMs} ms`
    await expect(calls[0]).rejects.toThrow(late)
    await expect(calls[1]).rejects.toThrow('did not answer a delete')
  })
})

describe('writing', () => {
  test('is tried once, with the checksum that the bucket checks', async () => {
    const puts: unknown[] = []
    const { objects } = store({
      put: async (...call) => {
        puts.push(call)
        throw new Error('the connection was lost')
      },
    })
    await expect(objects.put('key', new Uint8Array([1]), 'ab')).rejects.toThrow('the connection was lost')
    expect(puts).toEqual([['key', new Uint8Array([1]), { sha256: 'ab' }]])
  })

  test('deletes all the keys in one call', async () => {
    const deleted: string[][] = []
    const { objects } = store({ delete: async (keys) => void deleted.push(keys) })
    await objects.delete(['a', 'b'])
    expect(deleted).toEqual([['a', 'b']])
  })
})
