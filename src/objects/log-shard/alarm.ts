import type { CountCost } from '../../core/costs.ts'
import { writeLine } from '../../core/log_line.ts'

/**
 * Sets the object's one alarm, in the order of the calls, and only where it is not so set already: each setting is a billed
 * row. What fails is set anew when the object wakes.
 */
export function createAlarm(ctx: DurableObjectState, count: CountCost): (ms: number | null) => void {
  let last: Promise<void> = Promise.resolve()

  async function set(ms: number | null): Promise<void> {
    const present = await ctx.storage.getAlarm()
    if (present === ms) return
    count('do_rows_written')
    await (ms === null ? ctx.storage.deleteAlarm() : ctx.storage.setAlarm(ms))
  }

  return (ms) => {
    last = last
      .then(() => set(ms))
      .catch((error: unknown) => writeLine('error', 'the alarm was not set', { object: 'log_shard', error: String(error) }))
  }
}
