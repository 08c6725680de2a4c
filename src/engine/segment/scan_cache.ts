/** Values by key, the least recently used ones giving way to stay within `bytesMax`. */
export interface ByteCache<V> {
  get(key: string): V | undefined
  put(key: string, value: V, bytes: number): void
}

export function createByteCache<V>(bytesMax: number): ByteCache<V> {
  /** A Map iterates in insertion order, so the first key is the least recently used. */
  const entries = new Map<string, { value: V; bytes: number }>()
  let sum = 0

  function remove(key: string): void {
    sum -= entries.get(key)?.bytes ?? 0
    entries.delete(key)
  }

  return {
    get(key) {
      const entry = entries.get(key)
      if (entry === undefined) return undefined
      entries.delete(key)
      entries.set(key, entry)
      return entry.value
    },

    put(key, value, bytes) {
      remove(key)
      if (bytes > bytesMax) return
      entries.set(key, { value, bytes })
      sum += bytes
      for (const oldest of entries.keys()) {
        if (sum <= bytesMax) return
        remove(oldest)
      }
    },
  }
}
