import { alertGroupForgottenMs } from '../../../src/core/limits.ts'
import type { AlertDefinition } from '../../../src/features/alerts/definition.ts'

/** What a window said of one group; undefined: nothing is known. */
export interface Seen {
  atMs: number
  value: number | null | undefined
}

type Decisive = { atMs: number; reads: 'crossed' | 'over' | 'nodata'; breaks: boolean }

/**
 * Where one group stands, worked out from all windows so far: it fires when it was crossed in an unbroken row of windows for long
 * enough, and is over when it was not for long enough. Knows nothing of states that follow each other.
 */
export class GroupReference {
  private decisive: Decisive[] = []
  private seenMs: number | null = null
  private isUp = false
  private readonly definition: AlertDefinition
  private readonly isCounted: boolean

  constructor(definition: AlertDefinition) {
    this.definition = definition
    this.isCounted = definition.stats.startsWith('count')
  }

  /** The rule was changed: what is on its way to fire begins anew. */
  change(): void {
    if (!this.isUp) for (const each of this.decisive) each.breaks = true
  }

  see({ atMs, value }: Seen, isListed: boolean): void {
    for (const each of this.decisive) each.atMs = Math.min(each.atMs, atMs)
    if (this.seenMs !== null) this.seenMs = Math.min(this.seenMs, atMs)
    if (value === undefined) return
    if ((isListed && (this.isCounted || value !== null)) || this.seenMs === null) this.seenMs = atMs
    const reads = this.read(value, atMs - this.seenMs)
    if (reads === 'unknown') return
    if (reads === 'forgotten') {
      this.isUp = false
      this.seenMs = null
      this.decisive = []
      return
    }
    this.decisive.push({ atMs, reads, breaks: false })
    if (reads === 'nodata') this.isUp = false
    else if (this.lasted() >= 1000 * (this.isUp ? this.definition.recover_for_seconds : this.definition.for_seconds))
      this.isUp = this.isUp ? reads !== 'over' : reads === 'crossed'
  }

  state(): string {
    const last = this.decisive.at(-1)
    if (this.isUp) return last?.reads === 'over' ? 'recovering' : 'firing'
    if (last?.reads === 'nodata') return 'nodata'
    return last?.reads === 'crossed' && !last.breaks ? 'pending' : 'inactive'
  }

  /** Nothing is known of it any more, or was ever. */
  isForgotten(): boolean {
    return this.seenMs === null
  }

  /** How long the last windows have all read the same. */
  private lasted(): number {
    const last = this.decisive.at(-1)!
    const begin = this.decisive.findLastIndex(({ reads, breaks }) => reads !== last.reads || breaks)
    return last.atMs - this.decisive[begin + 1]!.atMs
  }

  private read(value: number | null, silentMs: number): Decisive['reads'] | 'unknown' | 'forgotten' {
    const { by, no_data: noData, window_seconds: window, operator, threshold, recovery_threshold: recovery } = this.definition
    if (by.length > 0 && silentMs >= alertGroupForgottenMs) return 'forgotten'
    if (value === null) {
      if (silentMs < 1000 * (noData.after_seconds ?? 2 * window)) return 'unknown'
      return ({ ok: 'over', keep: 'unknown', nodata: 'nodata', firing: 'crossed' } as const)[noData.policy]
    }
    const level = this.isUp && recovery !== null ? recovery : threshold
    const isEqual = value === level && operator.endsWith('=')
    return isEqual || (operator.startsWith('>') ? value > level : value < level) ? 'crossed' : 'over'
  }
}
