import { shardRateWindowMs } from '../../../core/limits.ts'

/** What one shard should take; beyond it the region needs another one. */
export interface IngestLimits {
  appendsPerSecondMax: number
  bytesPerSecondMax: number
}

/**
 * Measures the ingest of a shard over windows of `shardRateWindowMs`. `note` counts one batch of encoded `bytes` and answers
 * whether the window before, or this one already, holds more than the limits allow.
 */
export function createIngestRate({ appendsPerSecondMax, bytesPerSecondMax }: IngestLimits) {
  const appendsMax = (appendsPerSecondMax * shardRateWindowMs) / 1000
  const bytesMax = (bytesPerSecondMax * shardRateWindowMs) / 1000
  let window = -1
  let appends = 0
  let bytes = 0
  let busyBefore = false

  const isBusy = () => appends > appendsMax || bytes > bytesMax
  return {
    note(batchBytes: number, nowMs: number): boolean {
      const present = Math.floor(nowMs / shardRateWindowMs)
      if (present !== window) {
        busyBefore = present === window + 1 && isBusy()
        window = present
        appends = 0
        bytes = 0
      }
      appends += 1
      bytes += batchBytes
      return busyBefore || isBusy()
    },
  }
}
