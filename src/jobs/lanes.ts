interface Lanes<T> {
  /** Items of one lane go one after the other, in order. */
  laneOf(item: T): string
  /** Lanes that go at the same time. */
  atOnce: number
  /** A lane that took longer is over: the rest of its items is handed over as late. */
  turnMs: number
  now(): number
}

/**
 * Does all items, those of different lanes at the same time, so that a slow lane keeps no other waiting. `work` must not throw. What
 * begins after its lane's turn is over is `isLate`, and is to take no time.
 */
export async function inLanes<T>(
  items: readonly T[],
  { laneOf, atOnce, turnMs, now }: Lanes<T>,
  work: (item: T, isLate: boolean) => Promise<void>,
): Promise<void> {
  const lanes = Map.groupBy(items, laneOf).values()
  const worker = async () => {
    // The workers share one iterator, so each lane is done once.
    for (const lane of lanes) {
      const endMs = now() + turnMs
      for (const item of lane) await work(item, now() >= endMs)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}
