import { patternTextsMax } from '../../core/limits.ts'
import { clusterTexts } from './patterns_cluster.ts'

/** Rows whose messages are alike once their variables are masked. Plain data. */
export interface PatternEntry {
  text: string
  /** Rows by severity. */
  counts: number[]
  firstMs: number
  lastMs: number
  /** Rows by time bucket, up to the last that has any. */
  buckets: number[]
  /** The last of its rows. */
  example: { ms: number; shard: number; seq: number; message: string }
}

/** Patterns of some rows, mergeable with those of the others. */
export interface PatternTable {
  entries: PatternEntry[]
  /** Rows of messages that were dropped since there were too many that have nothing in common. */
  droppedRows: number
  /** Rows that were looked at; of large blocks only some are, each standing for those around it. */
  seenRows: number
}

export type Entries = Map<string, PatternEntry>

/** Adds an entry to the one with its text, or with another. */
export function addEntry(entries: Entries, from: PatternEntry, text = from.text): void {
  const into = entries.get(text)
  if (into === undefined) {
    entries.set(text, { ...from, text, counts: [...from.counts], buckets: [...from.buckets] })
    return
  }
  for (const [i, count] of from.counts.entries()) into.counts[i]! += count
  for (const [i, count] of from.buckets.entries()) addToBucket(into, i, count)
  into.firstMs = Math.min(into.firstMs, from.firstMs)
  into.lastMs = Math.max(into.lastMs, from.lastMs)
  if (isLater(from.example, into.example)) into.example = from.example
}

export function addToBucket({ buckets }: PatternEntry, bucket: number, rows: number): void {
  while (buckets.length <= bucket) buckets.push(0)
  buckets[bucket]! += rows
}

/** By time, shard and number, so that the same row is the example whatever the order of adding. */
export function isLater(a: Omit<PatternEntry['example'], 'message'>, b: Omit<PatternEntry['example'], 'message'>): boolean {
  return (a.ms - b.ms || a.shard - b.shard || a.seq - b.seq) > 0
}

/** The entries with those alike as one. */
export function clustered(entries: Entries): Entries {
  const patternOf = clusterTexts(entries.keys())
  const merged: Entries = new Map()
  for (const [text, entry] of entries) addEntry(merged, entry, patternOf.get(text))
  return merged
}

/**
 * The same entries while they are few enough; else those alike become one, and if that leaves more than half of what fits, those of
 * fewest rows are dropped. Answers the rows that were dropped.
 */
export function shrink(entries: Entries): { entries: Entries; droppedRows: number } {
  if (entries.size <= patternTextsMax) return { entries, droppedRows: 0 }
  const merged = [...clustered(entries).values()].sort(compareRows)
  const kept = merged.slice(0, patternTextsMax / 2)
  const droppedRows = merged.slice(kept.length).reduce((sum, entry) => sum + rowsOf(entry), 0)
  return { entries: new Map(kept.map((entry) => [entry.text, entry])), droppedRows }
}

export function rowsOf({ counts }: PatternEntry): number {
  return counts.reduce((sum, count) => sum + count, 0)
}

/** Most rows first, ties by text. */
export function compareRows(a: PatternEntry, b: PatternEntry): number {
  return rowsOf(b) - rowsOf(a) || (a.text < b.text ? -1 : 1)
}
