/** An item whose loading has begun. */
export interface Loading<T> {
  item: T
  /** Rejects when loading failed; await it before the item is used. */
  loaded: Promise<void>
}

export interface AheadOptions<T> {
  load(item: T): Promise<void>
  /** What an item takes while it waits. */
  weightOf(item: T): number
  /** How much may be loaded before it is asked for, given how many items were taken. */
  weightMax(taken: number): number
  /** Told of an item that nobody takes any more, its loading perhaps under way. */
  drop(item: T): void
}

/** The items in order, each already loading while those before it are worked on. */
export async function* ahead<T>(source: AsyncGenerator<T>, options: AheadOptions<T>): AsyncGenerator<Loading<T>> {
  const { load, weightOf, weightMax, drop } = options
  const queue: (Loading<T> & { weight: number })[] = []
  let weight = 0
  let taken = 0
  let isDone = false
  let isAwaited = true
  let failure: { error: unknown } | undefined
  let filling: Promise<void> | undefined
  const hasRoom = () => !isDone && ((isAwaited && queue.length === 0) || weight < weightMax(taken))

  async function fill(): Promise<void> {
    while (hasRoom()) {
      const next = await source.next()
      if (next.done === true) {
        isDone = true
        return
      }
      // Nobody takes items any more.
      if (isDone) return drop(next.value)
      const loading = { item: next.value, loaded: load(next.value), weight: weightOf(next.value) }
      // Whoever takes the item sees the failure; one that is never taken must not count as unhandled.
      loading.loaded.catch(() => undefined)
      queue.push(loading)
      weight += loading.weight
    }
  }

  function keepFilling(): void {
    if (filling !== undefined || !hasRoom()) return
    filling = fill()
      .catch((error: unknown) => {
        // The items before it come first.
        failure = { error }
        isDone = true
      })
      .finally(() => void (filling = undefined))
  }

  try {
    for (;;) {
      isAwaited = true
      // The filling that is under way may have found no room before this item was asked for.
      while (queue.length === 0 && !isDone) {
        keepFilling()
        await filling
      }
      const head = queue.shift()
      if (head === undefined) {
        if (failure !== undefined) throw failure.error
        return
      }
      isAwaited = false
      weight -= head.weight
      taken++
      keepFilling()
      yield head
    }
  } finally {
    isDone = true
    for (const { item } of queue) drop(item)
    await source.return(undefined)
  }
}
