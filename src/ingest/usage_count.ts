import { usageSourceCharsMax, usageSourcesPerBatchMax } from '../core/limits.ts'
import type { BatchUsage, RejectReason, Volume } from '../core/usage.ts'
import { newUsageSum, usageOf } from '../core/usage_sum.ts'

/** Counts the records of one request for the usage ledger. Bytes are those of a record's own text. */
export function createUsageCount() {
  const sum = newUsageSum()
  const { received, stored, rejected, sources } = sum
  let lastSource: string | undefined
  let lastVolume: Volume = { rows: 0, bytes: 0 }

  /** Neighbours are mostly of one source: then a row costs one comparison. */
  function volumeOf(source: string): Volume {
    if (source === lastSource) return lastVolume
    const name = source.length > usageSourceCharsMax ? source.slice(0, usageSourceCharsMax).toWellFormed() : source
    let volume = sources.get(name)
    if (volume === undefined) sources.set(name, (volume = { rows: 0, bytes: 0 }))
    lastSource = source
    lastVolume = volume
    return volume
  }

  return {
    stored(source: string, bytes: number): void {
      const volume = volumeOf(source)
      volume.rows += 1
      volume.bytes += bytes
      stored.rows += 1
      stored.bytes += bytes
    },

    rejected(reason: RejectReason, bytes: number): void {
      rejected[reason] = (rejected[reason] ?? 0) + 1
      received.rows += 1
      received.bytes += bytes
    },

    /** All of it; call it once, at the end. */
    finish(): BatchUsage {
      received.rows += stored.rows
      received.bytes += stored.bytes
      return usageOf(sum, usageSourcesPerBatchMax)
    },
  }
}
