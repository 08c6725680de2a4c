import { rejectReasons } from './usage.ts'
import type { BatchUsage, Rejections, RejectReason, SourceVolume, Volume } from './usage.ts'

/** Usage of several batches, added up. */
export interface UsageSum {
  received: Volume
  stored: Volume
  rejected: Rejections
  sources: Map<string, Volume>
}

export function newUsageSum(): UsageSum {
  return { received: { rows: 0, bytes: 0 }, stored: { rows: 0, bytes: 0 }, rejected: {}, sources: new Map() }
}

export function addVolume(sum: Volume, { rows, bytes }: Volume): void {
  sum.rows += rows
  sum.bytes += bytes
}

/** A source beyond the first `sourcesMax` gets no entry of its own: it counts to the others, in `stored` alone. */
export function addUsage(sum: UsageSum, usage: BatchUsage, sourcesMax: number): void {
  addVolume(sum.received, usage.received)
  addVolume(sum.stored, usage.stored)
  for (const reason of rejectReasons) {
    const count = usage.rejected[reason]
    if (count !== undefined) sum.rejected[reason] = (sum.rejected[reason] ?? 0) + count
  }
  for (const { source, ...volume } of usage.sources) addSource(sum, source, volume, sourcesMax)
}

function addSource({ sources }: UsageSum, source: string, volume: Volume, sourcesMax: number): void {
  const known = sources.get(source)
  if (known !== undefined) addVolume(known, volume)
  else if (sources.size < sourcesMax) sources.set(source, volume)
}

/** As plain data, with the sources that stored most rows, at most `sourcesMax`. */
export function usageOf({ received, stored, rejected, sources }: UsageSum, sourcesMax: number): BatchUsage {
  const all: SourceVolume[] = Array.from(sources, ([source, volume]) => ({ source, ...volume }))
  if (all.length > 1) all.sort((a, b) => b.rows - a.rows || (a.source < b.source ? -1 : 1))
  return { received: { ...received }, stored: { ...stored }, rejected: { ...rejected }, sources: all.slice(0, sourcesMax) }
}

/** The same batch when none of it was stored after all. */
export function refusedUsage({ received, stored, rejected }: BatchUsage, reason: RejectReason): BatchUsage {
  const refused = { ...rejected, [reason]: (rejected[reason] ?? 0) + stored.rows }
  return { received, stored: { rows: 0, bytes: 0 }, rejected: refused, sources: [] }
}
