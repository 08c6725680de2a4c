import type { CountCost } from '../../core/costs.ts'
import { writeLine } from '../../core/log_line.ts'

/**
 * Sets the object's one alarm, the latest word counting. Each setting is a billed row, so an object that wakes asks first
 * whether it is set so already; later ones are written at once, together with what the object wrote before.
 */
export function createAlarm({ storage }: Pick<DurableObjectState, 'storage'>, count: CountCost): (ms: number | null) => void {
  let wanted: number | null | undefined
  let isKnown = false
  const failed = (error: unknown): void => writeLine('error', 'the alarm was not set', { object: 'log_shard', error: String(error) })

  function write(ms: number | null): void {
    count('do_rows_written')
    void (ms === null ? storage.deleteAlarm() : storage.setAlarm(ms)).catch(failed)
  }

  async function compare(): Promise<void> {
    const present = await storage.getAlarm().catch(failed)
    isKnown = true
    if (wanted !== undefined && wanted !== present) write(wanted)
  }

  void compare()
  return (ms) => {
    wanted = ms
    if (isKnown) write(ms)
  }
}
