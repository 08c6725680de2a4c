import type { Windows } from './usage_store.ts'

/** The present window, the one before and the one after: clocks of shards differ by less than a minute. */
const windowsKept = 3

/** A value for each of the few minutes or months that still matter, by number. */
export function createWindowMap<T>(entries: Windows<T>, create: () => T) {
  const values = new Map(entries)
  return {
    peek: (id: number): T | undefined => values.get(id),

    /** Made when it is missing; then the window that is farthest from it is forgotten, whichever way the clock went. */
    at(id: number): T {
      const known = values.get(id)
      if (known !== undefined) return known
      const value = create()
      values.set(id, value)
      if (values.size > windowsKept) values.delete(farthest(values.keys(), id))
      return value
    },

    entries: (): Windows<T> => [...values],
  }
}

function farthest(ids: Iterable<number>, from: number): number {
  let found = from
  for (const id of ids) if (Math.abs(id - from) > Math.abs(found - from)) found = id
  return found
}
