/**
 * Runs at most `width` tasks at once. `submit` waits for a free place, so a reader cannot run ahead of the network;
 * after a failure it and `drain` throw that failure.
 */
export function createSendQueue(width: number) {
  const running = new Set<Promise<void>>()
  let failure: { error: unknown } | undefined

  async function submit(task: () => Promise<void>): Promise<void> {
    while (running.size >= width && !failure) await Promise.race(running)
    if (failure) throw failure.error
    const run: Promise<void> = task()
      .catch((error: unknown) => {
        failure ??= { error }
      })
      .finally(() => running.delete(run))
    running.add(run)
  }

  async function drain(): Promise<void> {
    await Promise.all(running)
    if (failure) throw failure.error
  }
  return { submit, drain }
}
