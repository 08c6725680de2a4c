/** Answers that may be shown again for a while, and those that are being made. */
export interface AnswerCache<T> {
  /** The answer under this key that was begun less than `keepMs` ago, or what `make` makes now. Who comes meanwhile waits for that one. */
  get(key: string, nowMs: number, make: () => Promise<Made<T>>): Promise<T>
  /** What is kept now, for tests. */
  size(): { entries: number; chars: number }
}

export interface Made<T> {
  readonly answer: T
  /** Size as JSON. */
  readonly chars: number
  /** False: it is given to all who wait, and forgotten then. */
  readonly mayKeep: boolean
}

export interface CacheLimits {
  readonly keepMs: number
  readonly entriesMax: number
  readonly charsMax: number
}

interface Entry<T> {
  readonly startedMs: number
  readonly made: Promise<Made<T>>
  /** 0 while it is being made. */
  chars: number
}

/** Keys have to name all that an answer depends on, the tenant first. */
export function createAnswerCache<T>({ keepMs, entriesMax, charsMax }: CacheLimits): AnswerCache<T> {
  /** Oldest first: each key is set once, and forgotten before it is set again. */
  const entries = new Map<string, Entry<T>>()
  let chars = 0

  function forget(key: string, entry: Entry<T>): void {
    if (entries.get(key) !== entry) return
    entries.delete(key)
    chars -= entry.chars
  }

  function shrink(): void {
    for (const [key, entry] of entries) {
      if (entries.size <= entriesMax && chars <= charsMax) return
      forget(key, entry)
    }
  }

  function forgetOld(nowMs: number): void {
    for (const [key, entry] of entries) {
      if (nowMs - entry.startedMs < keepMs) return
      forget(key, entry)
    }
  }

  async function settle(key: string, entry: Entry<T>): Promise<T> {
    try {
      const made = await entry.made
      if (!made.mayKeep || made.chars > charsMax) forget(key, entry)
      else if (entries.get(key) === entry) {
        entry.chars = made.chars
        chars += made.chars
        shrink()
      }
      return made.answer
    } catch (error) {
      forget(key, entry)
      throw error
    }
  }

  return {
    async get(key, nowMs, make) {
      forgetOld(nowMs)
      const known = entries.get(key)
      if (known !== undefined) return (await known.made).answer
      const entry: Entry<T> = { startedMs: nowMs, made: make(), chars: 0 }
      entries.set(key, entry)
      shrink()
      return settle(key, entry)
    },
    size: () => ({ entries: entries.size, chars }),
  }
}
